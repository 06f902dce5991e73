package luki.grpc;

import java.io.IOException;
import java.net.BindException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.config.Variable;
import luki.gateway.door.Door;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.Handler;
import luki.gateway.http.Route;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.upstream.ServiceGuard;
import org.jspecify.annotations.Nullable;

/** The door as the gateway opens, starts, drains and closes it. */
final class GrpcDoor implements Door {
  private final Host host;
  private List<Route.Served> routes = List.of();
  private volatile Map<Upstream, ServiceGuard> guards = Map.of();
  private @Nullable Running running;

  /** What exists only while the gateway serves. */
  private record Running(
      LimitedEventLoops threads, GrpcGateway gateway, Methods methods, GrpcListener listener) {}

  GrpcDoor(Host host) {
    this.host = host;
  }

  /** Makes the door of a process. */
  public static final class Provider implements Door.Provider {
    // Kept, as the log manager forgets a logger that nothing refers to.
    private static final Logger LIBRARY = Logger.getLogger("io.grpc");

    @Override
    public Door open(Host host) {
      // Clients decide how often the library warns: of a message that is too long, for one.
      LIBRARY.setLevel(Level.SEVERE);
      System.setProperty("org.slf4j.simpleLogger.log.io.grpc", "error");
      // Java alone: native code of a library needs a flag of the VM.
      System.setProperty("io.grpc.netty.shaded.io.netty.transport.noNative", "true");
      System.setProperty("io.grpc.netty.shaded.io.netty.handler.ssl.noOpenSsl", "true");
      return new GrpcDoor(host);
    }
  }

  @Override
  public Entrance entrance(Json contract, GatewayFile file, Problems problems) {
    MethodTable.Read read = MethodTable.read(file, problems);
    List<Route.Served> own = new ArrayList<>();
    Map<Upstream, ServiceGuard> guards = new EnumMap<>(Upstream.class);
    for (GrpcMethod method : read.methods()) {
      ServiceGuard guard = guards.computeIfAbsent(method.upstream(), who -> guard(who, file));
      own.add(method.route(method.deadline(), new Listed(method, read.metadata(), guard)));
    }
    own.add(GrpcListener.reflectionRoute());
    return new Entrance() {
      @Override
      public Map<String, Handler> handlers() {
        return Map.of();
      }

      @Override
      public List<Route.Served> routes(List<Route.Served> contract, Problems ignored) {
        return own;
      }
    };
  }

  private ServiceGuard guard(Upstream who, GatewayFile file) {
    ServiceGuard before = guards.get(who);
    return before == null ? new ServiceGuard(who, file, host.metrics()) : before.with(file);
  }

  @Override
  public boolean isTripped(Upstream who) {
    ServiceGuard guard = guards.get(who);
    return guard != null && guard.isTripped();
  }

  @Override
  public synchronized void use(List<Route.Served> all) {
    routes = List.copyOf(all);
    Map<Upstream, ServiceGuard> inForce = new EnumMap<>(Upstream.class);
    for (Route.Served route : all) {
      if (route.handler() instanceof Listed each) {
        inForce.put(each.method().upstream(), each.guard());
      }
    }
    guards = inForce;
    if (running != null) {
      running.methods.use(all);
    }
  }

  @Override
  public synchronized void start(Dispatcher dispatcher) throws BadConfiguration, IOException {
    Settings settings = host.settings();
    LimitedEventLoops threads =
        new LimitedEventLoops(
            Runtime.getRuntime().availableProcessors(), settings.limits().connections());
    GrpcGateway gateway = new GrpcGateway(host, dispatcher, new Channels(settings, threads));
    Methods methods = new Methods(gateway);
    methods.use(routes);
    try {
      running = new Running(threads, gateway, methods, new GrpcListener(gateway, methods, threads));
    } catch (IOException | IllegalArgumentException unusable) {
      threads.stop();
      if (unusable.getCause() instanceof BindException || unusable instanceof BindException) {
        throw new BadConfiguration(List.of(Variable.GRPC_PORT + ": is in use"));
      }
      throw new BadConfiguration(
          List.of(Variable.GRPC_PORT + ": the listener cannot start; check the files for TLS"));
    }
  }

  /** Where it listens. */
  synchronized int port() {
    if (running == null) {
      throw new IllegalStateException("not started");
    }
    return running.listener.port();
  }

  @Override
  public synchronized void drain() {
    if (running != null) {
      running.listener.drain();
    }
  }

  @Override
  public synchronized void close() throws IOException {
    Running now = running;
    if (now == null) {
      return;
    }
    running = null;
    try {
      now.listener.stop();
      now.gateway.stop();
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
    } finally {
      now.threads.stop();
    }
  }
}
