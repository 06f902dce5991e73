package luki.gateway.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds the name that was probably meant, by Levenshtein's distance. */
public final class Spelling {
  // Of the letters of a known name, one in five may be wrong or missing in a near miss.
  private static final int LETTERS_FOR_A_MISTAKE = 5;

  // Two letters that changed places are two mistakes.
  private static final int MAX_TYPING_MISTAKES = 2;

  private Spelling() {}

  /** The known name that is most similar. */
  static Optional<String> nearest(String name, Collection<String> known) {
    return known.stream().min(Comparator.comparingInt(other -> distance(other, name)));
  }

  /** The known name of which this one is a misspelling, case included. */
  static Optional<String> meant(String name, Collection<String> known) {
    String upper = name.toUpperCase(Locale.ROOT);
    return nearest(upper, known)
        .filter(near -> distance(near, upper) <= near.length() / LETTERS_FOR_A_MISTAKE);
  }

  /**
   * A question behind a name of a command line that is not known; empty where nothing is similar.
   */
  public static String hint(String name, Collection<String> known) {
    return nearest(name, known)
        .filter(near -> distance(near, name) <= MAX_TYPING_MISTAKES)
        .map(Spelling::question)
        .orElse("");
  }

  static String question(String meant) {
    return "; did you mean " + meant + "?";
  }

  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int changed = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(changed, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
