package luki.grpc;

import com.google.protobuf.Descriptors.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.config.Durations;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Problems;
import luki.gateway.http.Policy;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Scope;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code grpc:} of the file: each method with its rules. A key that is unknown is refused.
 */
final class MethodTable {
  private static final Set<String> KEYS = Set.of("descriptor_set", "metadata", "methods");
  private static final Set<String> METHOD_KEYS =
      Set.of("downstream", "scopes", "owner", "consent", "cost", "meters", "deadline");
  private static final int MAX_COST = 1000;

  private final GatewayFile file;
  private final Problems problems;
  private final Json section;

  private MethodTable(GatewayFile file, Problems problems) {
    this.file = file;
    this.problems = problems;
    this.section = file.grpc().value();
  }

  /** The methods and the metadata that pass; what is wrong is added to the problems. */
  record Read(List<GrpcMethod> methods, MetadataRules metadata) {
    Read {
      methods = List.copyOf(methods);
    }
  }

  static Read read(GatewayFile file, Problems problems) {
    return new MethodTable(file, problems).read();
  }

  private Read read() {
    known("", section, KEYS);
    List<GrpcMethod> methods = new ArrayList<>();
    DescriptorSet descriptors = descriptors();
    if (descriptors != null) {
      for (Map.Entry<String, Json> entry : section.at("methods").members().entrySet()) {
        GrpcMethod method = method(entry.getKey(), entry.getValue(), descriptors);
        if (method != null) {
          methods.add(method);
        }
      }
    }
    known("/metadata", section.at("metadata"), Set.of("request", "reply"));
    return new Read(methods, new MetadataRules(metadata("request"), metadata("reply")));
  }

  private @Nullable DescriptorSet descriptors() {
    String path = section.at("descriptor_set").string("");
    try {
      if (path.isEmpty()) {
        return DescriptorSet.built();
      }
      try (InputStream set = Files.newInputStream(Path.of(path))) {
        return DescriptorSet.read(set);
      }
    } catch (IOException unreadable) {
      problem("/descriptor_set", "must be a readable FileDescriptorSet with its imports");
      return null;
    }
  }

  private List<String> metadata(String direction) {
    String at = "/metadata/" + direction;
    Json list = section.at("metadata").at(direction);
    List<String> names = list.isAbsent() ? List.of() : list.stringList();
    if (names == null) {
      problem(at, at + " must be a list of names");
      return List.of();
    }
    for (String name : names) {
      if (!MetadataRules.mayPass(name)) {
        problem(at, "must be in lower case, and no name of a credential, a caller or a connection");
      }
    }
    return names.stream().filter(MetadataRules::mayPass).toList();
  }

  private @Nullable GrpcMethod method(String name, Json rules, DescriptorSet descriptors) {
    String at = "/methods/" + name.replace("~", "~0").replace("/", "~1");
    known(at, rules, METHOD_KEYS);
    MethodDescriptor method = descriptors.method(name);
    if (method == null) {
      problem(at, name + " is not in the descriptor set");
      return null;
    }
    Upstream upstream = upstream(rules.at("downstream"), at);
    OwnerReader owner = owner(rules.at("owner"), method, at);
    Set<Scope> scopes = scopes(rules.at("scopes"), at);
    if (owner == null) {
      scopes.add(Scope.ANY_USER);
    }
    ConsentRule consent = consent(rules.at("consent"), !rules.at("owner").isMissing(), at);
    Duration deadline = deadline(rules.at("deadline"), method, at);
    if (upstream == null) {
      return null;
    }
    return new GrpcMethod(
        Bytes.method(typeOf(method), name),
        method.getService(),
        upstream,
        new Policy(
            new Policy.Access.Scoped(scopes),
            owner == null
                ? new Policy.Owner.None()
                : new Policy.Owner.InBody(rules.at("owner").string("")),
            consent,
            new Policy.Limits(cost(rules.at("cost"), at), meters(rules.at("meters"), at)),
            false),
        owner,
        deadline);
  }

  private static MethodType typeOf(MethodDescriptor method) {
    if (method.isClientStreaming()) {
      return method.isServerStreaming() ? MethodType.BIDI_STREAMING : MethodType.CLIENT_STREAMING;
    }
    return method.isServerStreaming() ? MethodType.SERVER_STREAMING : MethodType.UNARY;
  }

  private @Nullable Upstream upstream(Json label, String at) {
    for (Upstream upstream : Upstream.values()) {
      if (upstream.label().equals(label.string(""))) {
        return upstream;
      }
    }
    problem(at + "/downstream", "downstream must be the name of a service");
    return null;
  }

  private @Nullable OwnerReader owner(Json path, MethodDescriptor method, String at) {
    if (path.isMissing()) {
      return null;
    }
    try {
      return new OwnerReader(OwnerPath.of(method.getInputType(), path.string("")));
    } catch (IllegalArgumentException ambiguous) {
      problem(at + "/owner", "owner must be the path of a single text: " + ambiguous.getMessage());
      return null;
    }
  }

  private Set<Scope> scopes(Json list, String at) {
    Set<Scope> scopes = new HashSet<>();
    List<String> names = list.isAbsent() ? List.of() : list.stringList();
    for (String name : names == null ? List.<String>of() : names) {
      if (Scope.isValid(name)) {
        scopes.add(new Scope(name));
      } else {
        problem(at + "/scopes", "a scope must be like name:action");
      }
    }
    if (scopes.isEmpty()) {
      problem(at + "/scopes", "scopes must name at least one");
      // Never without any, whatever is done with the problem.
      scopes.add(Scope.ANY_USER);
    }
    return scopes;
  }

  private @Nullable ConsentRule consent(Json rule, boolean hasOwner, String at) {
    if (rule.isMissing()) {
      return null;
    }
    known(at + "/consent", rule, Set.of("scopes", "operation"));
    List<String> scopes = rule.at("scopes").stringList();
    String operation = rule.at("operation").string("");
    if (scopes == null || scopes.isEmpty() || operation.isEmpty() || !hasOwner) {
      problem(at + "/consent", "consent must have scopes and operation, and needs an owner");
      return null;
    }
    return new ConsentRule(scopes, operation, ConsentRule.AskedBy.FILTER);
  }

  /** Of the route, or what is usual: as long as an event stream where either side streams. */
  private Duration deadline(Json deadline, MethodDescriptor method, String at) {
    Duration usual =
        typeOf(method) == MethodType.UNARY ? file.defaultDeadline() : file.streams().total();
    if (deadline.isMissing()) {
      return usual;
    }
    Duration duration = Durations.parse(deadline.string(""));
    if (duration == null) {
      problem(at + "/deadline", "deadline must be a duration such as 12s or 15m");
      return usual;
    }
    return duration;
  }

  private int cost(Json cost, String at) {
    long units = cost.isMissing() ? 1 : cost.integer().orElse(0);
    if (units < 1 || units > MAX_COST) {
      problem(at + "/cost", "cost must be a whole number from 1 to " + MAX_COST);
      return 1;
    }
    return (int) units;
  }

  private Set<Meter> meters(Json labels, String at) {
    if (labels.isMissing()) {
      return EnumSet.of(Meter.REQUESTS);
    }
    Set<Meter> counted = EnumSet.noneOf(Meter.class);
    for (Json label : labels.items()) {
      Meter meter = Meter.of(label.string(""));
      if (meter == null || meter == Meter.STREAMED_CHARACTERS) {
        problem(at + "/meters", "meters are requests and chat_messages");
      } else {
        counted.add(meter);
      }
    }
    return counted;
  }

  private void known(String at, Json map, Set<String> keys) {
    if (!map.isObject() && !map.isAbsent()) {
      problem(at, "must be a map");
    }
    for (String key : map.members().keySet()) {
      if (!keys.contains(key)) {
        problem(at + "/" + key, key + " is not a known key");
      }
    }
  }

  private void problem(String at, String shouldBe) {
    problems.add(file.grpc().where(at), shouldBe);
  }
}
