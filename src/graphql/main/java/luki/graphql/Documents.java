package luki.graphql;

import graphql.language.Definition;
import graphql.language.Document;
import graphql.language.Field;
import graphql.language.FragmentDefinition;
import graphql.language.FragmentSpread;
import graphql.language.InlineFragment;
import graphql.language.OperationDefinition;
import graphql.language.Selection;
import graphql.language.SelectionSet;
import graphql.parser.InvalidSyntaxException;
import graphql.parser.Parser;
import graphql.parser.ParserEnvironment;
import graphql.parser.ParserOptions;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parses documents and refuses those that ask for too much, before anything is validated or
 * executed. Each fragment is weighed once, so the work is linear in the document's length whatever
 * it expands to.
 *
 * @param costs what a call of each field of the root types takes
 */
record Documents(Map<String, Operation> costs) {
  private static final int MAX_CHARACTERS = 65_536;
  private static final int MAX_TOKENS = 4_000;
  private static final int MAX_WHITESPACE = 20_000;

  // Of the grammar's rules: about 60 levels of selections, which the recursion below can bear.
  private static final int MAX_RULE_DEPTH = 240;
  private static final int MAX_DEPTH = 20;
  private static final int MAX_FIELDS = 1_000;
  private static final int MAX_ALIASES = 30;
  private static final int MAX_COST = 60;
  private static final int MAX_OPERATIONS = 10;

  // The library's validation visits each of them from each other.
  private static final int MAX_FRAGMENTS = 50;
  private static final long MANY = 1_000_000;

  private static final ParserOptions OPTIONS =
      ParserOptions.newParserOptions()
          .maxCharacters(MAX_CHARACTERS)
          .maxTokens(MAX_TOKENS)
          .maxWhitespaceTokens(MAX_WHITESPACE)
          .maxRuleDepth(MAX_RULE_DEPTH)
          .captureIgnoredChars(false)
          .captureLineComments(false)
          .redactTokenParserErrorMessages(true)
          .build();

  Documents {
    costs = Map.copyOf(costs);
  }

  /** A document that may be validated, and the operation in it that is asked for. */
  record Parsed(Document document, OperationDefinition operation, boolean introspects) {}

  Parsed parse(String text, @Nullable String operationName) throws Refusal {
    if (text.length() > MAX_CHARACTERS) {
      throw Refusal.invalid("maxLength", "The document is too long");
    }
    Document document;
    try {
      document =
          Parser.parse(
              ParserEnvironment.newParserEnvironment()
                  .document(text)
                  .parserOptions(OPTIONS)
                  .build());
    } catch (InvalidSyntaxException invalid) {
      // The parser's message may quote the document.
      throw Refusal.invalid(
          "syntax",
          "The document is not valid GraphQL, or too long or too deep",
          invalid.getLocation());
    }
    OperationDefinition operation = operation(document, operationName);
    Weights weights = new Weights(costs, fragments(document));
    for (OperationDefinition each : document.getDefinitionsOfType(OperationDefinition.class)) {
      weights.check(each.getSelectionSet());
    }
    return new Parsed(document, operation, weights.introspects(operation.getSelectionSet()));
  }

  private static OperationDefinition operation(Document document, @Nullable String name)
      throws Refusal {
    List<OperationDefinition> all = document.getDefinitionsOfType(OperationDefinition.class);
    if (all.size() > MAX_OPERATIONS) {
      throw Refusal.invalid("operations", "The document has too many operations");
    }
    if (name == null || name.isEmpty()) {
      if (all.size() == 1) {
        return all.getFirst();
      }
      throw Refusal.invalid("operationName", "The document has not exactly one operation");
    }
    return all.stream()
        .filter(each -> name.equals(each.getName()))
        .findFirst()
        .orElseThrow(() -> Refusal.invalid("operationName", "There is no operation of this name"));
  }

  private static Map<String, FragmentDefinition> fragments(Document document) throws Refusal {
    Map<String, FragmentDefinition> fragments = new HashMap<>();
    for (Definition<?> definition : document.getDefinitions()) {
      if (definition instanceof FragmentDefinition fragment) {
        fragments.put(fragment.getName(), fragment);
      }
    }
    if (fragments.size() > MAX_FRAGMENTS) {
      throw Refusal.invalid("fragments", "The document has too many fragments");
    }
    return fragments;
  }

  /** What a selection is, all fragments expanded. */
  private record Weight(long depth, long fields, long aliases, long cost, boolean introspects) {
    private static final Weight NONE = new Weight(0, 0, 0, 0, false);

    private Weight beside(Weight other) {
      return new Weight(
          Math.max(depth, other.depth),
          Math.min(MANY, fields + other.fields),
          Math.min(MANY, aliases + other.aliases),
          Math.min(MANY, cost + other.cost),
          introspects || other.introspects);
    }
  }

  private static final class Weights {
    private final Map<String, Operation> costs;
    private final Map<String, FragmentDefinition> fragments;
    private final Map<String, Weight> known = new HashMap<>();
    private final Set<String> open = new HashSet<>();

    private Weights(Map<String, Operation> costs, Map<String, FragmentDefinition> fragments) {
      this.costs = costs;
      this.fragments = fragments;
    }

    private void check(SelectionSet operation) throws Refusal {
      Weight weight = of(operation);
      if (weight.depth > MAX_DEPTH) {
        throw Refusal.invalid("depth", "The document is too deep");
      }
      if (weight.fields > MAX_FIELDS) {
        throw Refusal.invalid("fields", "The document has too many fields");
      }
      if (weight.aliases > MAX_ALIASES) {
        throw Refusal.invalid("aliases", "The document has too many aliases");
      }
      if (weight.cost > MAX_COST) {
        throw Refusal.invalid("cost", "The calls of the document cost too much");
      }
    }

    private boolean introspects(SelectionSet operation) throws Refusal {
      return of(operation).introspects;
    }

    private Weight of(@Nullable SelectionSet selections) throws Refusal {
      Weight sum = Weight.NONE;
      if (selections != null) {
        for (Selection<?> selection : selections.getSelections()) {
          sum =
              sum.beside(
                  switch (selection) {
                    case Field field -> of(field);
                    case InlineFragment inline -> of(inline.getSelectionSet());
                    case FragmentSpread spread -> of(spread.getName());
                    default -> Weight.NONE;
                  });
        }
      }
      return sum;
    }

    private Weight of(Field field) throws Refusal {
      Weight below = of(field.getSelectionSet());
      Operation operation = costs.get(field.getName());
      boolean schema = field.getName().equals("__schema") || field.getName().equals("__type");
      return new Weight(
          below.depth + 1,
          Math.min(MANY, below.fields + 1),
          below.aliases + (field.getAlias() == null ? 0 : 1),
          below.cost + (operation == null ? 0 : operation.cost()),
          below.introspects || schema);
    }

    private Weight of(String fragment) throws Refusal {
      Weight weight = known.get(fragment);
      if (weight != null) {
        return weight;
      }
      FragmentDefinition definition = fragments.get(fragment);
      if (definition == null) {
        throw Refusal.invalid("fragment", "The document names a fragment that it does not have");
      }
      if (!open.add(fragment)) {
        throw Refusal.invalid("fragment", "The document has a circle of fragments");
      }
      weight = of(definition.getSelectionSet());
      open.remove(fragment);
      known.put(fragment, weight);
      return weight;
    }
  }
}
