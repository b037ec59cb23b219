package org.kithlm.model.chat.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextTest {
  private static String marked(String template, Map<String, Object> variables) {
    return Template.parse(template).render(variables, LocalDateTime.MIN).runs().stream()
        .map(run -> run.foreign() ? "(" + run.text() + ")" : run.text())
        .collect(Collectors.joining());
  }

  /** Foreign characters stand in parentheses. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '§',
      quoteCharacter = '`',
      ignoreLeadingAndTrailingWhitespace = true,
      value = {
        "<{{ c }}>                              § <( ab,cd )>",
        "{{ '<' + c + '>' }}                    § <( ab,cd )>",
        "{{ ('<' ~ c ~ '>') | trim }}           § <( ab,cd )>",
        "<{{ c.strip() }}>                      § <(ab,cd)>",
        "<{{ c.strip()[::-1] }}>                § <(dc,ba)>",
        "{{ c | replace(',', '<>') }}           § ( ab)<>(cd )",
        "{{ '[' + c.strip().split(',') | join('][') + ']' }} § [(ab)][(cd)]",
        "{{ '%s!' % c.strip() }}                § (ab,cd)!",
        "{{ '{}!'.format(c.strip()) }}          § (ab,cd)!",
        "{{ ('<' + c.strip()) | upper }}        § (<AB,CD)",
        "{{ ['<', c.strip()] }}                 § (['<', 'ab,cd'])",
        "{{ {'<': c.strip()} | tojson }}        § ({\"<\": \"ab,cd\"})",
        "{% set b %}<{{ c.strip() }}>{% endset %}{{ b }} § <(ab,cd)>",
        "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(c.strip()) }} § <(ab,cd)>",
        "{% for x in c.strip() %}{{ x }}-{% endfor %} § (a)-(b)-(,)-(c)-(d)-",
        "{{ c is string }}                      § True"
      })
  void shouldKnowWhoWroteWhat(String template, String expected) {
    assertEquals(expected, marked(template, Map.of("c", " ab,cd ")));
  }

  @Test
  void shouldTakeAModelsOwnStringsAsItsOwn() {
    assertEquals("<s>(x)", marked("{{ bos + c }}", Map.of("bos", Text.own("<s>"), "c", "x")));
  }

  @Test
  void shouldKeepMarksThroughRandomCutsAndJoins() {
    long seed = 20_261_123L;
    Random random = new Random(seed);
    Budget budget = new Budget();
    for (int round = 0; round < 300; round++) {
      Text text = Text.EMPTY;
      StringBuilder marks = new StringBuilder();
      for (int step = 0; step < 20; step++) {
        boolean foreign = random.nextBoolean();
        String piece = "x".repeat(random.nextInt(70));
        Text added = foreign ? Text.foreign(piece) : Text.own(piece);
        text = new Text.Builder(budget).append(text).append(added).build();
        marks.append((foreign ? "f" : "o").repeat(piece.length()));
        int from = random.nextInt(text.length() + 1);
        int to = from + random.nextInt(text.length() - from + 1);
        if (random.nextInt(3) == 0) {
          text = text.cut(from, to);
          marks = new StringBuilder(marks.substring(from, to));
        }
      }
      List<Text.Run> runs = text.runs();
      String actual =
          runs.stream()
              .map(run -> (run.foreign() ? "f" : "o").repeat(run.text().length()))
              .collect(Collectors.joining());
      assertEquals(marks.toString(), actual, "seed=" + seed + " round=" + round);
    }
  }
}
