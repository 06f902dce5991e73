package luki.graphql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The list of the door's libraries is closed; the reason for each is documented. */
class ExtJarsTest {
  private static final Path EXT = Path.of("target/ext");
  private static final Pattern VERSION = Pattern.compile("(.+?)-\\d.*\\.jar");
  private static final Set<String> JARS =
      Set.of("graphql-java", "java-dataloader", "reactive-streams", "smallrye-graphql-ui-graphiql");

  private static Set<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> VERSION.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .map(name -> name.group(1))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  @Test
  void theLibrariesAreThoseOfTheList() throws IOException {
    assertEquals(new TreeSet<>(JARS), names(EXT.resolve("graphql")));
    String reasons = Files.readString(Path.of("src/docs/DEPENDENCIES.md"));
    for (String jar : JARS) {
      assertTrue(reasons.contains("`" + jar + "`"), jar);
    }
  }

  /** Neither the door nor its libraries are beside the gateway's own. */
  @Test
  void theGatewayHasNoneOfThem() throws IOException {
    Set<String> own = names(Path.of("target/lib"));
    assertTrue(own.contains("jackson-core"), own.toString());
    own.retainAll(JARS);
    assertEquals(Set.of(), own);
  }
}
