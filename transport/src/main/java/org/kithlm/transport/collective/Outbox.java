package org.kithlm.transport.collective;

import org.kithlm.transport.frame.Elements;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;

/**
 * What a round still has to send to one peer: a range of the partial sum or of the hidden state,
 * and after that a range of sums, which grows as they are formed. Each peer has its own, so that
 * one who takes nothing holds up no other. Owned by the session's thread.
 */
final class Outbox {
  private final Link link;
  private FrameKind kind = FrameKind.PARTIAL;
  private int next;
  private int end;
  private int sumNext;
  private int sumEnd;
  private int count; // of the next frame; 0 where that is not known yet
  private int lengthBytes; // likewise

  Outbox(Link link) {
    this.link = link;
  }

  Link link() {
    return link;
  }

  /** Forgets what is left and sends {@code [first, newEnd)} next. */
  void begin(FrameKind newKind, int first, int newEnd) {
    kind = newKind;
    next = first;
    end = newEnd;
    sumNext = 0;
    sumEnd = 0;
    count = 0;
  }

  /** Sends {@code [first, newEnd)} of the sum as well; it follows on the sums added before. */
  void addSum(int first, int newEnd) {
    if (sumNext == sumEnd) {
      sumNext = first;
    }
    assert sumEnd == first || sumNext == first : "a gap before sum " + first;
    sumEnd = newEnd;
  }

  boolean isEmpty() {
    return next == end && sumNext == sumEnd;
  }

  /**
   * Hands the next frame to the driver.
   *
   * @return whether there was a frame, and room for it
   */
  boolean trySend(Session session, Round round) {
    boolean isSum = next == end;
    FrameKind nextKind = isSum ? FrameKind.SUM : kind;
    int first = isSum ? sumNext : next;
    int left = (isSum ? sumEnd : end) - first;
    if (left == 0) {
      return false;
    }
    Elements elements = elements(round, nextKind);
    if (count == 0) {
      int countMax = Math.min(left, session.frameTerms());
      count = elements.countIn(first, countMax, session.elementsBytes());
      lengthBytes = elements.lengthBytes(first, count);
    }
    FrameFlyweight header = session.outgoing();
    header.subject(nextKind, round.step(), round.layer(), round.block());
    header.part(first, count, round.length());
    if (!session.trySend(link, elements, lengthBytes)) {
      return false;
    }
    if (isSum) {
      sumNext += count;
    } else {
      next += count;
    }
    count = 0;
    return true;
  }

  private static Elements elements(Round round, FrameKind kind) {
    return switch (kind) {
      case PARTIAL -> round.partialElements();
      case SUM -> round.sumElements();
      default -> round.hiddenElements();
    };
  }
}
