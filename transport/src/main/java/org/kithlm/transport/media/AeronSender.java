package org.kithlm.transport.media;

import io.aeron.AeronCounters;
import io.aeron.ExclusivePublication;
import io.aeron.Publication;
import io.aeron.logbuffer.BufferClaim;
import org.agrona.concurrent.status.CountersReader;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.TransportException;

/** A publication. */
final class AeronSender implements FrameSender {
  private final PeerAddress peer;
  private final ExclusivePublication publication;
  private final CountersReader counters;
  private final int positionId;
  private final int limitId;

  AeronSender(PeerAddress peer, ExclusivePublication publication, CountersReader counters) {
    this.peer = peer;
    this.publication = publication;
    this.counters = counters;
    positionId = counter(AeronCounters.DRIVER_SENDER_POSITION_TYPE_ID);
    limitId = counter(AeronCounters.DRIVER_SENDER_LIMIT_TYPE_ID);
  }

  private int counter(int typeId) {
    int id = counters.findByTypeIdAndRegistrationId(typeId, publication.registrationId());
    if (id == CountersReader.NULL_COUNTER_ID) {
      throw new TransportException("no counter " + typeId + " for the publication to " + peer);
    }
    return id;
  }

  @Override
  public boolean tryClaim(int lengthBytes, int spareBytes, BufferClaim claim) {
    if (spareBytes > 0
        && counters.getCounterValue(limitId) - publication.position() < lengthBytes + spareBytes) {
      return false;
    }
    long result = publication.tryClaim(lengthBytes, claim);
    if (result == Publication.CLOSED || result == Publication.MAX_POSITION_EXCEEDED) {
      throw new TransportException(
          "publication to " + peer + " ended: " + Publication.errorString(result));
    }
    return result > 0; // BACK_PRESSURED, ADMIN_ACTION, NOT_CONNECTED: the caller tries again
  }

  /** The driver has put on the wire what the publication holds. */
  @Override
  public boolean isFlushed() {
    return counters.getCounterValue(positionId) >= publication.position();
  }
}
