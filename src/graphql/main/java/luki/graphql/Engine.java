package luki.graphql;

import graphql.ErrorClassification;
import graphql.ErrorType;
import graphql.ExecutionInput;
import graphql.ExecutionResult;
import graphql.GraphQL;
import graphql.GraphQLError;
import graphql.GraphqlErrorBuilder;
import graphql.ParseAndValidate;
import graphql.execution.DataFetcherExceptionHandler;
import graphql.execution.DataFetcherExceptionHandlerResult;
import graphql.execution.DataFetcherResult;
import graphql.execution.preparsed.PreparsedDocumentEntry;
import graphql.language.Document;
import graphql.schema.DataFetcher;
import graphql.schema.DataFetchingEnvironment;
import graphql.schema.idl.SchemaPrinter;
import graphql.validation.ValidationError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Principal;
import luki.gateway.http.Route;
import luki.gateway.http.Scope;
import luki.gateway.json.Json;
import luki.gateway.observe.Diagnostics;
import luki.graphql.Calls.Reply;
import luki.graphql.Operation.Call;
import org.dataloader.DataLoader;
import org.dataloader.DataLoaderFactory;
import org.dataloader.DataLoaderRegistry;
import org.jspecify.annotations.Nullable;

/** Executes documents against the schema of one contract. */
final class Engine {
  private static final Diagnostics LOG = new Diagnostics("graphql");
  private static final Scope INTROSPECTION = new Scope("ops:read");
  private static final String LOADER = "calls";
  private static final ErrorClassification FAILED = ErrorType.DataFetchingException;

  private final SchemaCompiler.Compiled compiled;
  private final Documents documents;
  private final GraphQL graphQl;
  private final PersistedQueries persisted;

  Engine(Json contract, List<Route.Served> routes, PersistedQueries persisted) {
    this.compiled = SchemaCompiler.compile(contract, routes, Engine::fetcher);
    this.documents = new Documents(compiled.operations());
    this.persisted = persisted;
    this.graphQl =
        GraphQL.newGraphQL(compiled.schema())
            .preparsedDocumentProvider(
                (input, _) -> {
                  Document document = input.getGraphQLContext().get(Document.class);
                  return CompletableFuture.completedFuture(
                      new PreparsedDocumentEntry(present(document)));
                })
            .defaultDataFetcherExceptionHandler(defects())
            .build();
  }

  /** What a client asks for: a member of a batch, or the only one. */
  record Asked(
      String query,
      @Nullable String operationName,
      Map<String, @Nullable Object> variables,
      String sha256) {
    static Asked of(Json request) {
      return new Asked(
          request.at("query").string(""),
          request.at("operationName").string(),
          JsonValues.membersOf(request.at("variables")),
          request.pointer("/extensions/persistedQuery/sha256Hash").string(""));
    }
  }

  String schema() {
    return new SchemaPrinter(
            SchemaPrinter.Options.defaultOptions()
                .includeDirectiveDefinitions(false)
                .includeScalarTypes(true))
        .print(compiled.schema());
  }

  /** The document, checked: from here on it may be executed. */
  Documents.Parsed checked(Asked asked, Principal caller) throws Refusal {
    String text = asked.query;
    if (text.isEmpty()) {
      String known = persisted.get(asked.sha256);
      if (known == null) {
        throw asked.sha256.isEmpty()
            ? Refusal.invalid("required", "The document is missing")
            : Refusal.notPersisted();
      }
      text = known;
    }
    Documents.Parsed parsed = documents.parse(text, asked.operationName);
    if (parsed.introspects() && !caller.scopes().contains(INTROSPECTION)) {
      throw Refusal.introspection();
    }
    List<ValidationError> errors =
        ParseAndValidate.validate(compiled.schema(), parsed.document(), Locale.ROOT);
    if (!errors.isEmpty()) {
      ValidationError first = errors.getFirst();
      throw Refusal.invalid(
          "schema",
          String.valueOf(first.getMessage()),
          first.getLocations() == null || first.getLocations().isEmpty()
              ? null
              : first.getLocations().getFirst());
    }
    if (!asked.query.isEmpty() && !asked.sha256.isEmpty() && !persisted.put(asked.sha256, text)) {
      throw Refusal.invalid("sha256Hash", "The hash is not that of the document");
    }
    return parsed;
  }

  /**
   * Executes a checked document.
   *
   * @param opening makes the call of a subscription; null where it is none
   */
  CompletableFuture<ExecutionResult> execute(
      Asked asked, Documents.Parsed parsed, Calls calls, @Nullable Opening opening) {
    DataLoader<Call, Reply> loader = DataLoaderFactory.newDataLoader(LOADER, calls::all);
    Map<Object, Object> context = new LinkedHashMap<>();
    context.put(Document.class, parsed.document());
    context.put(Calls.class, calls);
    if (opening != null) {
      context.put(Opening.class, opening);
    }
    String name = parsed.operation().getName();
    return graphQl.executeAsync(
        ExecutionInput.newExecutionInput()
            .query("")
            .operationName(name)
            .variables(asked.variables)
            .graphQLContext(context)
            .dataLoaderRegistry(DataLoaderRegistry.newRegistry().register(LOADER, loader).build())
            .build());
  }

  private static DataFetcher<?> fetcher(Operation operation, String root) {
    return switch (root) {
      // Calls with equal arguments are made once.
      case SchemaCompiler.QUERY ->
          environment ->
              Engine.<DataLoader<Call, Reply>>present(environment.getDataLoader(LOADER))
                  .load(operation.call(environment.getArguments()))
                  .thenApply(reply -> result(operation, reply, environment));
      case SchemaCompiler.MUTATION ->
          environment ->
              calls(environment)
                  .one(operation.call(environment.getArguments()))
                  .thenApply(reply -> result(operation, reply, environment));
      default -> environment -> opened(operation, environment);
    };
  }

  private static DataFetcherResult<Object> opened(
      Operation operation, DataFetchingEnvironment environment) {
    Opening opening = present(environment.getGraphQlContext().<Opening>get(Opening.class));
    DataFetcherResult.Builder<Object> result = DataFetcherResult.newResult();
    return switch (opening.open(operation.call(environment.getArguments()))) {
      case Opened.Refused(Reply reply) -> result.error(error(reply, environment)).build();
      case Opened.Events(EventSource events) -> result.data(events.publisher()).build();
    };
  }

  /** Makes the call of a subscription. */
  @FunctionalInterface
  interface Opening {
    Opened open(Call call);
  }

  /** What became of that call. */
  sealed interface Opened {
    record Refused(Reply reply) implements Opened {}

    record Events(EventSource events) implements Opened {}
  }

  private static <T> T present(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("not in the context");
    }
    return value;
  }

  private static Calls calls(DataFetchingEnvironment environment) {
    return present(environment.getGraphQlContext().<Calls>get(Calls.class));
  }

  private static DataFetcherResult<Object> result(
      Operation operation, Reply reply, DataFetchingEnvironment environment) {
    DataFetcherResult.Builder<Object> result = DataFetcherResult.newResult();
    if (reply.isSuccess()) {
      return result.data(operation.hasData() ? JsonValues.of(reply.json()) : true).build();
    }
    return result.error(error(reply, environment)).build();
  }

  private static GraphQLError error(Reply reply, DataFetchingEnvironment environment) {
    Json error = reply.json().at("error");
    return GraphqlErrorBuilder.newError(environment)
        .errorType(FAILED)
        .message("%s", error.at("message").string("The call failed"))
        .extensions(extensions(error, reply.status(), reply.retryAfter()))
        .build();
  }

  /** What the error of the operation over HTTP says beside its message. */
  static Map<String, Object> extensions(Json error, int status, @Nullable String retryAfter) {
    Map<String, Object> extensions = new LinkedHashMap<>();
    extensions.put("code", error.at("code").string(ErrorCode.INTERNAL.name()));
    extensions.put("trace_id", error.at("trace_id").string(""));
    if (status != 0) {
      extensions.put("status", status);
    }
    Object details = JsonValues.of(error.at("details"));
    if (details != null) {
      extensions.put("details", details);
    }
    if (retryAfter != null) {
      extensions.put("retry_after", retryAfter);
    }
    return extensions;
  }

  /** The cause of an unhandled exception is in the log only. */
  private static DataFetcherExceptionHandler defects() {
    return parameters -> {
      LOG.error("a field failed", Diagnostics.Field.of("cause", parameters.getException()));
      DataFetchingEnvironment environment = parameters.getDataFetchingEnvironment();
      ApiError internal = ApiError.of(ErrorCode.INTERNAL);
      Reply reply =
          new Reply(
              internal.status(), ErrorReply.envelope(internal, calls(environment).traceId()), null);
      return CompletableFuture.completedFuture(
          DataFetcherExceptionHandlerResult.newResult(error(reply, environment)).build());
    };
  }

  /** The result for its client: each error has a code and the trace id. */
  static Map<String, Object> response(ExecutionResult result, String traceId) {
    Map<String, Object> response = new LinkedHashMap<>(result.toSpecification());
    if (response.get("errors") instanceof List<?> errors) {
      List<Object> complete = new ArrayList<>();
      errors.forEach(error -> complete.add(complete((Map<?, ?>) error, traceId)));
      response.put("errors", complete);
    }
    return response;
  }

  private static Map<Object, Object> complete(Map<?, ?> error, String traceId) {
    Map<Object, Object> extensions = new LinkedHashMap<>();
    // What graphql-java finds itself is wrong in the request, such as the type of a variable.
    extensions.put("code", ErrorCode.INVALID_REQUEST.name());
    extensions.put("trace_id", traceId);
    if (error.get("extensions") instanceof Map<?, ?> given) {
      extensions.putAll(given);
    }
    extensions.remove("classification");
    Map<Object, Object> complete = new LinkedHashMap<>(error);
    complete.put("extensions", extensions);
    return complete;
  }
}
