package luki.gateway.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/**
 * Finds the name that was probably meant, by the number of letters that are wrong, missing, too
 * many, or in the place of their neighbour.
 */
public final class Spelling {
  // Of the letters of a known name, one in five may be wrong or missing in a near miss.
  private static final int LETTERS_FOR_A_MISTAKE = 5;

  // In a word of a command line, where nothing but our own names is expected.
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

  /** A question behind an unknown name of a command line; empty where nothing is similar. */
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
    int[][] ends = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          ends[i][j] = i + j;
          continue;
        }
        int changed = ends[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        ends[i][j] = Math.min(changed, Math.min(ends[i - 1][j], ends[i][j - 1]) + 1);
        boolean swapped =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        if (swapped) {
          ends[i][j] = Math.min(ends[i][j], ends[i - 2][j - 2] + 1);
        }
      }
    }
    return ends[a.length()][b.length()];
  }
}
