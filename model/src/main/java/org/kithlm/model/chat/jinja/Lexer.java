package org.kithlm.model.chat.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.kithlm.model.chat.jinja.Token.Kind;

/**
 * Splits a template into tokens by the rules of Jinja 3 with {@code trim_blocks} and {@code
 * lstrip_blocks} on: a newline right after a statement tag or comment is dropped, and so is
 * whitespace between the start of a line and such a tag; {@code -} strips all whitespace on its
 * side, {@code +} keeps it. One newline at the end of the template is dropped.
 */
final class Lexer {
  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;

  /** Whether the text at {@code position} starts a line of the template. */
  private boolean lineStarting = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String normal = template.replace("\r\n", "\n").replace('\r', '\n');
    Lexer lexer =
        new Lexer(normal.endsWith("\n") ? normal.substring(0, normal.length() - 1) : normal);
    try {
      lexer.readAll();
    } catch (JinjaException fault) {
      throw fault.at(lexer.line);
    }
    return lexer.tokens;
  }

  private void readAll() {
    while (position < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        data(source.substring(position));
        break;
      }
      char type = source.charAt(tag + 1);
      char sign = signAt(tag + 2);
      data(stripped(source.substring(position, tag), sign, type != '{'));
      advance(tag);
      switch (type) {
        case '#' -> comment();
        case '{' -> tag(Kind.VARIABLE_BEGIN, Kind.VARIABLE_END, sign);
        default -> {
          if (!raw(sign)) {
            tag(Kind.BLOCK_BEGIN, Kind.BLOCK_END, sign);
          }
        }
      }
    }
    add(Kind.END, "");
  }

  private int nextTag() {
    for (int at = source.indexOf('{', position); at >= 0; at = source.indexOf('{', at + 1)) {
      if (at + 1 < source.length() && "%{#".indexOf(source.charAt(at + 1)) >= 0) {
        return at;
      }
    }
    return -1;
  }

  /** The whitespace sign at an offset: '-', '+' or 0 for none. */
  private char signAt(int offset) {
    char c = offset < source.length() ? source.charAt(offset) : 0;
    return c == '-' || c == '+' ? c : 0;
  }

  /** Text before a tag, after what the tag strips from it. */
  private String stripped(String text, char sign, boolean lstripBlocks) {
    if (sign == '-') {
      return PyStrings.rstrip(text);
    }
    if (sign == '+' || !lstripBlocks) {
      return text;
    }
    int lineStart = text.lastIndexOf('\n') + 1;
    boolean blank =
        (lineStart > 0 || lineStarting)
            && text.substring(lineStart).codePoints().allMatch(PyStrings::isSpace);
    return blank ? text.substring(0, lineStart) : text;
  }

  private void data(String text) {
    if (!text.isEmpty()) {
      add(Kind.DATA, text);
    }
  }

  private void comment() {
    int end = source.indexOf("#}", position + 2);
    if (end < 0) {
      throw new JinjaException("a comment is not closed by #}");
    }
    char sign = end > position + 2 ? signAt(end - 1) : 0;
    advance(end + 2);
    afterTag(sign, true);
  }

  /** Reads a raw block if one starts here. */
  private boolean raw(char sign) {
    int afterName = skipWord("raw", skipSpace(position + (sign == 0 ? 2 : 3)));
    if (afterName < 0) {
      return false;
    }
    int close = skipSpace(afterName);
    char closeSign = signAt(close) == '-' ? '-' : 0;
    if (!source.startsWith("%}", closeSign == 0 ? close : close + 1)) {
      return false;
    }
    advance(close + (closeSign == 0 ? 2 : 3));
    afterTag(closeSign, false);
    for (int end = source.indexOf("{%", position); end >= 0; end = source.indexOf("{%", end + 1)) {
      char endSign = signAt(end + 2);
      int afterEnd = skipWord("endraw", skipSpace(end + (endSign == 0 ? 2 : 3)));
      if (afterEnd < 0) {
        continue;
      }
      int endClose = skipSpace(afterEnd);
      char endCloseSign = signAt(endClose);
      int closed = endCloseSign == 0 ? endClose : endClose + 1;
      if (source.startsWith("%}", closed)) {
        data(stripped(source.substring(position, end), endSign, true));
        advance(closed + 2);
        afterTag(endCloseSign, true);
        return true;
      }
    }
    throw new JinjaException("a raw block is not closed by endraw");
  }

  private int skipSpace(int from) {
    int at = from;
    while (at < source.length() && PyStrings.isSpace(source.charAt(at))) {
      at++;
    }
    return at;
  }

  private int skipWord(String word, int from) {
    return source.startsWith(word, from) ? from + word.length() : -1;
  }

  /** Drops what a closing tag with this sign drops: all whitespace, one newline or nothing. */
  private void afterTag(char sign, boolean trimBlocks) {
    int before = position;
    if (sign == '-') {
      advance(skipSpace(position));
    } else if (sign == 0 && trimBlocks && source.startsWith("\n", position)) {
      advance(position + 1);
    }
    lineStarting = position > before && source.charAt(position - 1) == '\n';
  }

  private void tag(Kind begin, Kind end, char sign) {
    add(begin, "");
    advance(position + (sign == 0 ? 2 : 3));
    String close = end == Kind.BLOCK_END ? "%}" : "}}";
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      advance(skipSpace(position));
      if (position == source.length()) {
        throw new JinjaException("a tag is not closed by " + close);
      }
      if (open.isEmpty()) {
        char closeSign = signAt(position);
        boolean signed = closeSign == '-' || (closeSign == '+' && end == Kind.BLOCK_END);
        int at = signed ? position + 1 : position;
        if (source.startsWith(close, at)) {
          add(end, "");
          advance(at + 2);
          afterTag(signed ? closeSign : 0, end == Kind.BLOCK_END);
          return;
        }
      }
      token(open);
    }
  }

  private void token(Deque<Character> open) {
    char c = source.charAt(position);
    if (c == '\'' || c == '"') {
      string(c);
    } else if (c >= '0' && c <= '9') {
      NumberScanner number = NumberScanner.at(source, position);
      add(number.isFloat() ? Kind.FLOAT : Kind.INTEGER, source.substring(position, number.end()));
      advance(number.end());
    } else if (Character.isUnicodeIdentifierStart(c) || c == '_') {
      int end = position + 1;
      while (end < source.length() && isNamePart(source.charAt(end))) {
        end++;
      }
      add(Kind.NAME, source.substring(position, end));
      advance(end);
    } else {
      operator(c, open);
    }
  }

  private static boolean isNamePart(char c) {
    return c == '_' || Character.isLetterOrDigit(c);
  }

  private void string(char quote) {
    int end = position + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw new JinjaException("a string is not closed by " + quote);
    }
    add(Kind.STRING, StringEscapes.decode(source.substring(position + 1, end)));
    advance(end + 1);
  }

  private void operator(char c, Deque<Character> open) {
    String two = source.substring(position, Math.min(position + 2, source.length()));
    String text =
        switch (two) {
          case "//", "**", "==", "!=", ">=", "<=" -> two;
          default -> String.valueOf(c);
        };
    if (text.length() == 1 && "+-/*%~[](){}><=.:|,;".indexOf(c) < 0) {
      throw new JinjaException("unexpected character '" + c + "'");
    }
    switch (c) {
      case '(' -> open.push(')');
      case '[' -> open.push(']');
      case '{' -> open.push('}');
      case ')', ']', '}' -> {
        if (open.isEmpty() || open.pop() != c) {
          throw new JinjaException("unexpected '" + c + "'");
        }
      }
      default -> {}
    }
    add(Kind.OPERATOR, text);
    advance(position + text.length());
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }

  private void advance(int to) {
    for (int i = position; i < to; i++) {
      if (source.charAt(i) == '\n') {
        line++;
      }
    }
    position = to;
  }
}
