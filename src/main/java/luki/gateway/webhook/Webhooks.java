package luki.gateway.webhook;

import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.config.Variable;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Ids;
import luki.gateway.http.Principal;
import luki.gateway.http.Response;
import luki.gateway.json.Json;
import luki.gateway.keys.Sealer;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.Periodic;
import luki.gateway.upstream.Upstreams.HttpClients;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/** The operations of webhooks and jobs. Nothing is opened before {@link #start}. */
public final class Webhooks implements AutoCloseable {
  private static final int MAX_OF_OWNER = 10;
  private static final int MAX = 2000;

  private final Settings settings;
  private final Sealer sealer;
  private final Receiver receiver;
  private final ByteBudget memory;
  private final Function<Principal, String> owners;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();
  private final Slots tests = new Slots();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private volatile @Nullable Running running;

  private record Running(Registry registry, Jobs jobs, List<Periodic> tasks) {}

  /**
   * With the settings' key.
   *
   * @param clients that connect to public addresses only, a new one for each call
   * @param owners names callers, the same in each process
   */
  public Webhooks(
      Settings settings,
      HttpClients clients,
      ByteBudget memory,
      Function<Principal, String> owners,
      Clock clock,
      Problems problems) {
    this.settings = settings;
    String secret =
        Sealer.secretIn(settings.webhooks().key(), Variable.WEBHOOKS_KEY_PATH, random, problems);
    this.sealer = Sealer.derived(secret, "webhooks", random);
    this.receiver = new Receiver(clients, settings.dev(), clock);
    this.memory = memory;
    this.owners = owners;
    this.clock = clock;
  }

  /** By the names that the contract uses. */
  public Map<String, Handler> byName() {
    return Map.of(
        "webhook-create", (Handler.Completes) this::create,
        "webhook-delete", (Handler.Completes) this::delete,
        "webhook-rotate", (Handler.Completes) this::rotate,
        "webhook-test", (Handler.Completes) this::test,
        "webhook-list", this::list,
        "webhook-get", exchange -> Response.json(200, webhook(exchange).shown().build()),
        "webhook-job",
            exchange -> running().jobs.poll(exchange.pathParameter("job_id"), owner(exchange)));
  }

  /** The same operation, but a request with a callback becomes a job. */
  public Handler withJobs(Handler operation) {
    Handler either =
        exchange ->
            exchange.json().at("callback").isMissing()
                ? operation.handle(exchange)
                : running().jobs.accept(exchange, owner(exchange));
    return operation instanceof Handler.AsksConsent ? (Handler.AsksConsent) either::handle : either;
  }

  /**
   * Reads what is stored and goes on with it.
   *
   * @throws BadConfiguration it cannot be used
   */
  public void start(Dispatcher gateway, AccessCheck access, Metrics metrics)
      throws BadConfiguration {
    try {
      Path path = Objects.requireNonNull(settings.webhooks().path());
      Registry registry = new Registry(path, sealer, random);
      Deliveries deliveries = new Deliveries(registry, receiver, access, memory, threads, random);
      Jobs jobs =
          new Jobs(registry, deliveries, gateway, memory, clock, () -> Ids.hex(random), threads);
      jobs.recover();
      running =
          new Running(
              registry,
              jobs,
              List.of(
                  new Periodic("webhooks", deliveries::deliverDue),
                  new Periodic("webhooks-old", deliveries::forget)));
      metrics.watch(
          "luki_gateway_jobs_open",
          "Jobs whose result is not delivered yet",
          () -> registry.openJobs().size());
      metrics.watchCounter(
          "luki_gateway_webhook_attempts_failed_total",
          "Attempts to deliver a result that failed",
          deliveries.failedAttempts::sum);
      metrics.watchCounter(
          "luki_gateway_jobs_dead_total",
          "Jobs whose result was not accepted in time",
          deliveries.deadJobs::sum);
    } catch (IOException unwritable) {
      throw new BadConfiguration("WEBHOOKS_PATH: cannot be used: " + unwritable.getMessage());
    } catch (IllegalStateException otherKey) {
      throw new BadConfiguration(
          "WEBHOOKS_KEY_PATH: is not the key that WEBHOOKS_PATH was written with");
    }
  }

  private Running running() {
    return Objects.requireNonNull(running, "not started");
  }

  private String owner(Exchange exchange) {
    return owners.apply(exchange.principal());
  }

  /** Another caller's is not found. */
  private Webhook webhook(Exchange exchange) {
    Json found = running().registry.find(exchange.pathParameter("webhook_id"));
    return new Webhook(Registry.owned(found, owner(exchange)));
  }

  /** The same, changed. */
  private Json changed(Exchange exchange, UnaryOperator<Json> change) {
    String owner = owner(exchange);
    return running()
        .registry
        .change(
            exchange.pathParameter("webhook_id"),
            before -> change.apply(Registry.owned(before, owner)));
  }

  private Response create(Exchange exchange) {
    String url = exchange.json().at("url").string("");
    if (PublicAddresses.parse(url, settings.dev()) == null) {
      return Response.refused(ApiError.invalid("/url", "address"));
    }
    String secret = Webhook.newSecret(random);
    String owner = owner(exchange);
    Webhook webhook =
        Webhook.of(Webhook.PREFIX + Ids.hex(random), owner, url, secret, clock.instant());
    Registry registry = running().registry;
    Json _ =
        registry.change(
            webhook.id(),
            _ -> {
              limit(owner, registry);
              return webhook.json();
            });
    return Response.json(201, webhook.shown().remove("attempts").put("secret", secret));
  }

  private static void limit(String owner, Registry registry) {
    if (of(owner, registry).size() >= MAX_OF_OWNER) {
      throw new ApiException(ApiError.invalid("", "too_many"));
    }
    if (registry.all(Webhook::isOne).size() >= MAX) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
  }

  private static List<Json> of(String owner, Registry registry) {
    return registry.all(each -> Webhook.isOne(each) && each.at("owner").string("").equals(owner));
  }

  private Response list(Exchange exchange) {
    List<Json> all =
        of(owner(exchange), running().registry).stream()
            .map(each -> new Webhook(each).shown().remove("attempts").build())
            .toList();
    return Response.json(200, Json.object().put("webhooks", Json.array(all)).build());
  }

  /** What is not delivered yet is dropped soon. */
  private Response delete(Exchange exchange) {
    Json _ = changed(exchange, _ -> Json.MISSING);
    return Response.empty(204);
  }

  private Response rotate(Exchange exchange) {
    String secret = Webhook.newSecret(random);
    Instant now = clock.instant();
    Json rotated = changed(exchange, before -> new Webhook(before).rotated(secret, now));
    return Response.json(200, new Webhook(rotated).shown().put("secret", secret).build());
  }

  private Response test(Exchange exchange) throws InterruptedException {
    Webhook webhook = webhook(exchange);
    String id = "test_" + Ids.hex(random);
    ErrorCode refusal = tests.take(id, owner(exchange), Slots.MAX);
    if (refusal != null) {
      return Response.refused(ApiError.retrySoon(refusal));
    }
    try {
      Json data = Json.object().put("webhook_id", webhook.id()).build();
      byte[] message = Receiver.message("webhook.test", clock.instant(), data);
      Webhook.Attempt attempt = receiver.push(webhook, id, message);
      Json _ = running().registry.change(webhook.id(), attempt::addedTo);
      return Response.json(200, attempt.json());
    } finally {
      tests.release(id);
    }
  }

  @Override
  public void close() {
    Running now = running;
    if (now == null) {
      return;
    }
    now.tasks.forEach(Periodic::close);
    threads.shutdownNow();
    try {
      try {
        boolean _ = threads.awaitTermination(1, TimeUnit.SECONDS);
      } finally {
        now.registry.close();
      }
    } catch (InterruptedException late) {
      Thread.currentThread().interrupt();
    }
  }
}
