package luki.gateway.webhook;

import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
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
import luki.gateway.http.Principal;
import luki.gateway.http.Response;
import luki.gateway.json.Json;
import luki.gateway.keys.Sealer;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.Periodic;
import luki.gateway.upstream.Upstreams.HttpClients;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/** The operations of webhooks and jobs. Nothing is opened before {@link #start}. */
public final class Webhooks implements AutoCloseable {
  private static final Diagnostics LOG = new Diagnostics("webhooks");
  private static final Duration INTERVAL = Duration.ofMillis(100);
  private static final Duration FORGETTING = Duration.ofMinutes(1);

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

  private record Running(Registry registry, Jobs jobs, Periodic deliveries, Periodic old) {}

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
    Map<String, Handler> handlers = new HashMap<>();
    handlers.put("webhook-create", (Handler.Completes) this::create);
    handlers.put("webhook-delete", (Handler.Completes) this::delete);
    handlers.put("webhook-rotate", (Handler.Completes) this::rotate);
    handlers.put("webhook-test", (Handler.Completes) this::test);
    handlers.put("webhook-list", this::list);
    handlers.put("webhook-get", exchange -> Response.json(200, webhook(exchange).shown().build()));
    handlers.put(
        "webhook-job",
        exchange -> running().jobs.poll(exchange.pathParameter("job_id"), owner(exchange)));
    return handlers;
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
    Path log = Objects.requireNonNull(settings.webhooks().log());
    try {
      Registry registry = new Registry(log, sealer);
      Results results =
          new Results(log.resolveSibling(log.getFileName() + ".results"), sealer, random);
      Deliveries.Store store = new Deliveries.Store(registry, results, memory, clock);
      Deliveries deliveries = new Deliveries(store, receiver, access, threads, random);
      Jobs jobs = new Jobs(store, deliveries, gateway, this::id, threads);
      jobs.recover();
      Periodic due = new Periodic("webhooks", () -> deliver(deliveries));
      running =
          new Running(registry, jobs, due, new Periodic("webhooks-old", () -> forget(deliveries)));
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
      throw new BadConfiguration(
          List.of("WEBHOOKS_PATH: cannot be used: " + unwritable.getMessage()));
    } catch (ApiException slow) {
      throw new BadConfiguration(List.of("WEBHOOKS_PATH: cannot be used: the disk is too slow"));
    } catch (IllegalStateException otherKey) {
      throw new BadConfiguration(
          List.of("WEBHOOKS_KEY_PATH: is not the key that WEBHOOKS_PATH was written with"));
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private static Duration deliver(Deliveries deliveries) {
    deliveries.deliverDue();
    return INTERVAL;
  }

  private static Duration forget(Deliveries deliveries) {
    try {
      deliveries.forget();
    } catch (IOException failed) {
      LOG.error("results cannot be erased", Diagnostics.Field.reason(failed));
    }
    return FORGETTING;
  }

  private Running running() {
    Running now = running;
    if (now == null) {
      throw new IllegalStateException("not started");
    }
    return now;
  }

  private String owner(Exchange exchange) {
    return owners.apply(exchange.principal());
  }

  private Webhook webhook(Exchange exchange) {
    return new Webhook(
        running().registry.find(exchange.pathParameter("webhook_id"), owner(exchange)));
  }

  private void change(Webhook webhook, UnaryOperator<Webhook> change) throws InterruptedException {
    Registry.await(
        running().registry.change(webhook.id(), now -> change.apply(new Webhook(now)).json()));
  }

  private String id() {
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(random.nextLong()) + hex.toHexDigits(random.nextLong());
  }

  private Response create(Exchange exchange) throws InterruptedException {
    String url = exchange.json().at("url").string("");
    if (PublicAddresses.parse(url, settings.dev()) == null) {
      return Response.refused(ApiError.invalid("/url", "address"));
    }
    String secret = Webhook.newSecret(random);
    String owner = owner(exchange);
    Webhook webhook = Webhook.of(Webhook.PREFIX + id(), owner, url, secret, clock.instant());
    Registry registry = running().registry;
    awaitOrUndo(
        registry.add(webhook.id(), webhook.json(), others -> limit(owner, others)),
        () -> registry.remove(webhook.id(), true));
    Json shown = webhook.shown().remove("attempts").put("secret", secret).build();
    return Response.json(201, shown);
  }

  /** Waits for a change with a secret, which nobody knows if that fails. */
  private static void awaitOrUndo(
      CompletableFuture<Void> change, Supplier<CompletableFuture<Void>> undo)
      throws InterruptedException {
    try {
      Registry.await(change);
    } catch (ApiException | InterruptedException notShown) {
      CompletableFuture<Void> _ = undo.get();
      throw notShown;
    }
  }

  private static @Nullable ApiError limit(String owner, Collection<Json> entries) {
    List<Json> all = entries.stream().filter(each -> !each.at("url").isMissing()).toList();
    if (all.stream().filter(each -> each.at("owner").string("").equals(owner)).count()
        >= MAX_OF_OWNER) {
      return ApiError.invalid("", "too_many");
    }
    return all.size() >= MAX ? ApiError.retrySoon(ErrorCode.OVERLOADED) : null;
  }

  private Response list(Exchange exchange) {
    String owner = owner(exchange);
    List<Json> all =
        running()
            .registry
            .all(each -> !each.at("url").isMissing() && each.at("owner").string("").equals(owner))
            .stream()
            .map(each -> new Webhook(each).shown().remove("attempts").build())
            .toList();
    return Response.json(200, Json.object().put("webhooks", Json.array(all)).build());
  }

  /** What is not delivered yet is dropped soon. */
  private Response delete(Exchange exchange) throws InterruptedException {
    Registry.await(running().registry.erase(exchange.pathParameter("webhook_id"), owner(exchange)));
    return Response.empty(204);
  }

  private Response rotate(Exchange exchange) throws InterruptedException {
    Webhook webhook = webhook(exchange);
    String secret = Webhook.newSecret(random);
    Instant now = clock.instant();
    Registry registry = running().registry;
    awaitOrUndo(
        registry.change(webhook.id(), before -> new Webhook(before).rotated(secret, now).json()),
        () ->
            registry.change(
                webhook.id(), then -> new Webhook(then).undone(secret, webhook).json()));
    return Response.json(200, webhook.rotated(secret, now).shown().put("secret", secret).build());
  }

  private Response test(Exchange exchange) throws InterruptedException {
    Webhook webhook = webhook(exchange);
    String id = "test_" + id();
    ErrorCode refusal = tests.take(id, owner(exchange), Slots.MAX);
    if (refusal != null) {
      return Response.refused(ApiError.retrySoon(refusal));
    }
    try {
      Json data = Json.object().put("webhook_id", webhook.id()).build();
      byte[] message = Receiver.message("webhook.test", clock.instant(), data);
      Webhook.Attempt attempt = receiver.push(webhook, id, message);
      change(webhook, before -> before.after(attempt));
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
    now.deliveries.close();
    now.old.close();
    threads.shutdownNow();
    try {
      boolean _ = threads.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException late) {
      Thread.currentThread().interrupt();
    }
    now.registry.close();
  }
}
