package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A number within bounds, written without an exponent. After each digit it is known by arithmetic
 * whether more digits can still lead into the range. Numbers are counted in units of the last
 * decimal place. Those with decimals have at most 15 digits, which a double tells apart.
 */
final class NumberValue extends Value {
  /** Decimals where a schema does not say. */
  static final int DECIMALS = 12;

  private static final int DIGITS_MAX = 15;

  /** Where a bound is missing, so that digits come to an end. */
  private static final BigDecimal FAR = BigDecimal.TEN.pow(DIGITS_MAX).subtract(BigDecimal.ONE);

  /** Bounds beyond count as this. */
  private static final BigDecimal FARTHEST = BigDecimal.TEN.pow(DIGITS_MAX + 3);

  private final int decimals;
  private final BigInteger one; // in units
  private final BigInteger least; // in units
  private final BigInteger greatest;

  /**
   * One end of a range.
   *
   * @param exclusive whether the number itself is outside
   */
  record Bound(BigDecimal number, boolean exclusive) {}

  /**
   * A number.
   *
   * @param decimals most decimal places, 0 for integers
   * @param least null for none
   * @param greatest null for none
   */
  NumberValue(int decimals, @Nullable Bound least, @Nullable Bound greatest) {
    this.decimals = decimals;
    one = BigInteger.TEN.pow(decimals);
    this.greatest = upper(greatest, least);
    this.least =
        upper(least == null ? null : opposite(least), greatest == null ? null : opposite(greatest))
            .negate();
  }

  private static Bound opposite(Bound bound) {
    return new Bound(bound.number().negate(), bound.exclusive());
  }

  /** The greatest number in units below an upper bound; {@code other} is the lower one. */
  private BigInteger upper(@Nullable Bound bound, @Nullable Bound other) {
    BigDecimal number = FAR;
    boolean exclusive = false;
    if (bound != null && bound.number().compareTo(FARTHEST) <= 0) {
      number = bound.number();
      exclusive = bound.exclusive();
    } else if (bound != null || (other != null && other.number().compareTo(FAR) >= 0)) {
      number = FARTHEST;
    }
    BigDecimal scaled = number.movePointRight(decimals);
    BigInteger floor = scaled.setScale(0, RoundingMode.FLOOR).toBigInteger();
    boolean outside = exclusive && scaled.compareTo(new BigDecimal(floor)) == 0;
    return outside ? floor.subtract(BigInteger.ONE) : floor;
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    new Digits(this, parent, false, BigInteger.ZERO, 0, -1).next(b, out);
    if (b == '-') {
      addReachable(new Digits(this, parent, true, BigInteger.ZERO, 0, -1), out);
    }
  }

  private static void addReachable(Digits digits, Frames out) {
    if (digits.shortestRest() != null) {
      out.add(digits);
    }
  }

  @Override
  int measure() {
    String text = shortestText();
    return text == null ? NONE : text.length();
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {
    out.writeBytes(ascii(Objects.requireNonNull(shortestText())));
  }

  private @Nullable String shortestText() {
    String positive =
        new Digits(this, Frame.End.INSTANCE, false, BigInteger.ZERO, 0, -1).shortestRest();
    String negative =
        new Digits(this, Frame.End.INSTANCE, true, BigInteger.ZERO, 0, -1).shortestRest();
    return positive != null || negative == null ? positive : '-' + negative;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Decimals that a number with so many digits before the point may have. */
  private int decimalsAfter(int integerDigits) {
    return Math.min(decimals, Math.max(0, DIGITS_MAX - integerDigits));
  }

  /**
   * Within a number.
   *
   * @param digits all digits so far as a number
   * @param integerDigits how many stand before the point
   * @param typedDecimals how many stand behind it, -1 without a point
   */
  private record Digits(
      NumberValue value,
      Frame parent,
      boolean negative,
      BigInteger digits,
      int integerDigits,
      int typedDecimals)
      implements Frame {
    @Override
    public void next(int b, Frames out) {
      if (b >= '0' && b <= '9') {
        boolean leadingZero = integerDigits == 1 && typedDecimals < 0 && digits.signum() == 0;
        if (!leadingZero) {
          addReachable(
              new Digits(
                  value,
                  parent,
                  negative,
                  digits.multiply(BigInteger.TEN).add(BigInteger.valueOf(b - '0')),
                  typedDecimals < 0 ? integerDigits + 1 : integerDigits,
                  typedDecimals < 0 ? -1 : typedDecimals + 1),
              out);
        }
      } else if (b == '.' && integerDigits > 0 && typedDecimals < 0) {
        addReachable(new Digits(value, parent, negative, digits, integerDigits, 0), out);
      }
    }

    @Override
    public boolean mayEnd() {
      String rest = shortestRest();
      return rest != null && rest.isEmpty();
    }

    @Override
    public void close(ByteArrayOutputStream out) {
      out.writeBytes(ascii(String.valueOf(shortestRest())));
    }

    /** The fewest characters that lead into the range, null where none do. */
    @Nullable String shortestRest() {
      if (typedDecimals >= 0) {
        return restWith(integerDigits, Math.max(1, typedDecimals));
      }
      int digitsMax = value.integerDigitsMax();
      boolean zero = integerDigits == 1 && digits.signum() == 0;
      String shortest = null;
      for (int count = Math.max(1, integerDigits); count <= digitsMax; count++) {
        String rest = restWith(count, 0);
        if (rest != null && (shortest == null || rest.length() < shortest.length())) {
          shortest = rest;
        }
        if (zero || (shortest != null && shortest.length() <= count - integerDigits)) {
          break; // no zero leads, and longer integers are no shorter
        }
      }
      return shortest;
    }

    /** The fewest characters with so many digits before the point and at least so many behind. */
    private @Nullable String restWith(int allIntegerDigits, int leastDecimals) {
      BigInteger scale = BigInteger.TEN.pow(allIntegerDigits - integerDigits);
      int typed = Math.max(0, typedDecimals);
      if (typed > value.decimalsAfter(allIntegerDigits)) {
        return null;
      }
      // The digits so far are those of all numbers in [from, to].
      BigInteger place = value.one.divide(BigInteger.TEN.pow(typed)).multiply(scale);
      BigInteger from = digits.multiply(place);
      BigInteger to = from.add(place).subtract(BigInteger.ONE);
      if (integerDigits == 0) {
        from =
            allIntegerDigits == 1
                ? BigInteger.ZERO
                : BigInteger.TEN.pow(allIntegerDigits - 1).multiply(value.one);
        to = BigInteger.TEN.pow(allIntegerDigits).multiply(value.one).subtract(BigInteger.ONE);
      }
      // A negative number mirrors the range; zero has no sign.
      BigInteger least = negative ? value.greatest.negate().max(BigInteger.ONE) : value.least;
      BigInteger greatest = negative ? value.least.negate() : value.greatest;
      from = from.max(least).max(BigInteger.ZERO);
      to = to.min(greatest);
      if (from.compareTo(to) > 0) {
        return null;
      }
      for (int count = leastDecimals; count <= value.decimalsAfter(allIntegerDigits); count++) {
        BigInteger step = BigInteger.TEN.pow(value.decimals - count);
        BigInteger number = from.add(step).subtract(BigInteger.ONE).divide(step).multiply(step);
        if (number.compareTo(to) <= 0) {
          String text =
              new BigDecimal(number, value.decimals)
                  .setScale(count, RoundingMode.UNNECESSARY)
                  .toPlainString();
          int before = integerDigits + (typedDecimals < 0 ? 0 : 1 + typedDecimals);
          return text.substring(before);
        }
      }
      return null;
    }
  }

  /** Digits before the point of the number that is farthest from zero. */
  private int integerDigitsMax() {
    return least.abs().max(greatest.abs()).divide(one).toString().length();
  }
}
