package org.kithlm.model.chat.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2026, 1, 2, 3, 4, 5);

  private static String render(String template, Map<String, Object> variables) {
    return Template.parse(template).render(variables, NOW).toString();
  }

  private static String fault(String template) {
    JinjaException fault =
        assertThrows(JinjaException.class, () -> render(template, Map.of("s", "text")));
    return String.valueOf(fault.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% if x %}",
        "{% for a in b %}{% endif %}",
        "{{ 1 +",
        "{{ 'open }}",
        "{# open",
        "{% raw %}",
        "{% endfor %}",
        "{{ (1 }}",
        "{{ 99999999999999999999 }}",
        "{% include 'file' %}",
        "{% break %}",
        "{% set true = 1 %}",
        "{{ a(b=1, 2) }}",
        "{{ '\\xg0' }}",
        "{{ ? }}",
        "{% macro m(a=1, b) %}{% endmacro %}"
      })
  void shouldRefuseToParse(String template) {
    JinjaException fault = assertThrows(JinjaException.class, () -> Template.parse(template));
    String message = String.valueOf(fault.getMessage());
    assertTrue(message.startsWith("chat template line 1: "), message);
  }

  @Test
  void shouldNameTheLineOfAFault() {
    assertEquals(
        "chat template line 3: 'x' is undefined", fault("first\n{% if s %}\n{{ x.y }}{% endif %}"));
  }

  @Test
  void shouldNameTheLineOfASyntaxError() {
    assertEquals("chat template line 2: unexpected ')'", fault("{{ s }}\n{{ s) }}"));
  }

  @Test
  void shouldPassOnTheWordsOfRaiseException() {
    assertEquals("no 'x' here", fault("\n\n{{ raise_exception(\"no 'x' here\") }}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '§',
      quoteCharacter = '`',
      value = {
        "{{ missing.attribute }}    § 'missing' is undefined",
        "{{ missing + 1 }}          § 'missing' is undefined",
        "{{ missing() }}            § 'missing' is undefined",
        "{{ s.nothing.deeper }}     § a str has no attribute 'nothing'",
        "{{ s + 1 }}                § cannot use + on a str and a int",
        "{{ 1 // 0 }}               § 1 // 0 divides by zero or is too large for 64 bits",
        "{{ 2 ** 64 }}              § 2 ** 64 divides by zero or is too large for 64 bits",
        "{{ s < 1 }}                § cannot order a str and a int",
        "{{ s | nofilter }}         § filter 'nofilter' is unknown",
        "{{ s is notest }}          § test 'notest' is unknown",
        "{{ {[]: 1} }}              § a list cannot be a dict key",
        "{% for a, b in [1] %}{% endfor %} § cannot iterate over a int",
        "{% set s.a = 1 %}          § cannot set an attribute of 's', it is not a namespace",
        "{{ [1].append(2) }}        § a list has no attribute 'append'",
        "{{ {'a': 1}.update(s) }}   § a dict has no attribute 'update'"
      })
  void shouldExplainAFault(String template, String message) {
    assertEquals("chat template line 1: " + message, fault(template));
  }

  /** Templates that would run for ages, fill the heap or overflow the stack. */
  @Timeout(60) // a deadline for what would not end
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ range(1000000000) }}",
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor"
            + " %}",
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x.replace('a', n.x)"
            + " %}{% endfor %}",
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor"
            + " %}",
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor"
            + " %}{{ n.x }}",
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor"
            + " %}{{ n.x | tojson }}",
        "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}"
            + "{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}",
        "{% set n = namespace(x=[1]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}"
            + "{{ n.x }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 'x' * 1000000000000 }}",
        "{{ [1] * 1000000000000 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%.999999999f' % 1 }}",
        "{{ [1] | tojson(indent=999999999) }}",
        "{{ 'a' | indent(999999999, true) }}",
        "{% set t = 'x' * 9999999 %}{% for i in range(99999) %}{% if 'y' in t %}{% endif %}{%"
            + " endfor %}",
        "{% set t = 'x' * 9999999 %}{% for i in range(99999) %}{{ t.find('y') }}{% endfor %}",
        "{% set l = range(99999) | list %}{% for i in l %}{{ l | sort(reverse=true) | first }}{%"
            + " endfor %}",
        "{{ range(99999) | unique | list | length }}",
        "{% set t = 'x' * 9999999 %}{% for i in range(99999) %}{% set u = t[1:] %}{% endfor %}",
        "{% set t = 'x' * 9999999 %}{% for i in range(99999) %}{% set u = t | upper %}{% endfor %}",
        "{% set t = 'x' * 9999999 %}{{ ([t] * 99999) | map('lower') | list }}",
        "{{ ('x' * 9999999).find('x' * 4999999 ~ 'y') }}",
        "{{ ('x' * 4999999 ~ 'y') in 'x' * 9999999 }}",
        "{{ ('x' * 9999999) | replace('x' * 4999999 ~ 'y', '') }}"
      })
  void shouldEndAHostileTemplateWithAnError(String template) {
    String message = fault(template);
    assertTrue(message.matches(".*(more|deeper|longer) than \\d+.*"), message);
  }

  @Test
  void shouldRefuseDeepNestingOnASmallStack() throws InterruptedException {
    List<String> templates =
        List.of(
            "{{ " + "(".repeat(50_000) + "1" + ")".repeat(50_000) + " }}",
            "{{ " + "[".repeat(50_000),
            "{{ " + "not ".repeat(50_000) + "1 }}",
            "{{ " + "-".repeat(50_000) + "1 }}",
            "{{ 1" + " + 1".repeat(50_000) + " }}",
            "{{ s" + "|trim".repeat(50_000) + " }}",
            "{{ s" + " if s else s".repeat(50_000) + " }}",
            "{% if s %}".repeat(50_000),
            "{% set " + "(".repeat(50_000),
            "{% macro m(n) %}{% if n %}{{ [{'a': m(n - 1) | trim}] }}{% endif %}{% endmacro %}{{"
                + " m(999) }}");
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread =
        new Thread(null, () -> templates.forEach(TemplateTest::fault), "small", 512 << 10);
    thread.setUncaughtExceptionHandler((t, e) -> failure.set(e));
    thread.start();
    thread.join();
    if (failure.get() != null) {
      throw new AssertionError("on a stack of 512 KiB", failure.get());
    }
  }

  @Test
  void shouldNotOverflowOnALongNumber() {
    assertEquals("0", render("{{ ('1_' * 99999 ~ '1') | int }}", Map.of()));
  }

  @Test
  void shouldRefuseAnEndlessTemplate() {
    String template = "x".repeat(Template.LENGTH_MAX + 1);
    String message =
        assertThrows(JinjaException.class, () -> Template.parse(template)).getMessage();
    assertEquals("the chat template has 1048577 characters, more than 1048576", message);
  }

  @Test
  void shouldRefuseInputThatNestsTooDeep() {
    List<Object> nested = List.of();
    for (int i = 0; i < 1000; i++) {
      nested = List.of(nested);
    }
    Map<String, Object> variables = Map.of("x", nested);
    assertThrows(JinjaException.class, () -> render("{{ x }}", variables));
  }

  @Test
  void shouldRenderALongChatWithinItsBounds() {
    List<Object> messages = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      messages.add(Map.of("role", "user", "content", "word ".repeat(400)));
    }
    String template =
        "{% for m in messages %}<{{ m.role }}>{{ m['content'] | trim + '\\n' }}{% endfor %}";
    assertEquals(2000 * (400 * 5 - 1 + 7), render(template, Map.of("messages", messages)).length());
  }

  @Test
  void shouldLeaveTheCallersValuesAlone() {
    List<Object> list = new ArrayList<>(List.of(2L, 1L));
    assertEquals("[1, 2][2, 1]", render("{{ l | sort }}{{ l }}", Map.of("l", list)));
    assertEquals(List.of(2L, 1L), list);
  }

  @ParameterizedTest
  @CsvSource({
    "%Y-%m-%d, 2026-01-02",
    "%d %b %Y, 02 Jan 2026",
    "%B %-d, January 2",
    "%A %a, Friday Fri",
    "%H:%M:%S %I %p, 03:04:05 03 AM",
    "%e|%j|%y|%%, ' 2|002|26|%'",
    "%F %T, 2026-01-02 03:04:05"
  })
  void shouldFormatDatesAsC(String format, String expected) {
    assertEquals(expected, render("{{ strftime_now('" + format + "') }}", Map.of()));
  }
}
