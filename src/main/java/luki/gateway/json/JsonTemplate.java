package luki.gateway.json;

import java.util.List;

/**
 * Makes a JSON value out of others. In a template, a text such as {@code "$body/messages/-1/role"}
 * is the value at that place: {@code -1} is an array's last item and {@code :-1} all but the last.
 * What is absent or null is left out. Two objects have a meaning of their own: {@code {"$each":
 * array, "$as": template}} makes each {@code $item} of an array anew, and {@code {"$any": array,
 * "$has": members}} is whether an item has all these members.
 */
public final class JsonTemplate {
  private JsonTemplate() {}

  /** The template with the values of the scope, whose members are what texts may name. */
  public static Json fill(Json template, Json scope) {
    String text = template.string();
    if (text != null) {
      return text.startsWith("$") ? find(text, scope) : template;
    }
    if (template.isArray()) {
      List<Json> items = template.items().stream().map(item -> fill(item, scope)).toList();
      return Json.array(items.stream().filter(item -> !item.isAbsent()).toList());
    }
    if (!template.isObject()) {
      return template;
    }
    if (!template.at("$each").isMissing()) {
      return Json.array(
          fill(template.at("$each"), scope).items().stream()
              .map(item -> fill(template.at("$as"), scope.toBuilder().put("item", item).build()))
              .toList());
    }
    if (!template.at("$any").isMissing()) {
      var wanted = template.at("$has").members().entrySet();
      return Json.of(
          fill(template.at("$any"), scope).items().stream()
              .anyMatch(item -> item.members().entrySet().containsAll(wanted)));
    }
    Json.Builder filled = Json.object();
    template.members().forEach((name, value) -> filled.putPresent(name, fill(value, scope)));
    return filled.build();
  }

  /** The value that a reference leads to, with its {@code $}; missing where there is none. */
  public static Json find(String reference, Json scope) {
    Json at = scope;
    for (String step : reference.substring(1).split("/", -1)) {
      List<Json> items = at.items();
      int last = items.size() - 1;
      at =
          switch (step) {
            case "-1" -> items.isEmpty() ? Json.MISSING : items.get(last);
            case ":-1" -> items.isEmpty() ? Json.MISSING : Json.array(items.subList(0, last));
            default -> at.at(step);
          };
    }
    return at;
  }
}
