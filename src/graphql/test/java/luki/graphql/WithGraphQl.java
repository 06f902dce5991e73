package luki.graphql;

import java.util.function.UnaryOperator;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.TestGateway;

/** A gateway with this door, and its services. */
public final class WithGraphQl {
  private WithGraphQl() {}

  public static Fixture fixture() {
    return fixture(UnaryOperator.identity());
  }

  public static Fixture fixture(UnaryOperator<TestGateway.Builder> more) {
    return Fixture.start(
        gateway ->
            more.apply(
                gateway
                    .with("GRAPHQL_ENABLED", "true")
                    .with("EXTENSIONS_DIR", System.getProperty("luki.ext", "target/ext"))));
  }
}
