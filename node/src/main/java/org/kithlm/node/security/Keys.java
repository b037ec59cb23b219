package org.kithlm.node.security;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;

/** Keys on the curve P-256, the only ones in a cluster. */
public final class Keys {
  /** How certificates and requests for them are signed. */
  public static final String SIGNATURE = "SHA256withECDSA";

  private static final String CURVE = "secp256r1";
  private static final int CURVE_BITS = 256;

  private Keys() {}

  /** A new pair. */
  public static KeyPair generate() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec(CURVE));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has P-256", e);
    }
  }

  /** Reads a private key in PKCS #8. */
  public static PrivateKey parsePrivate(byte[] der) throws GeneralSecurityException {
    return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));
  }

  /**
   * Reads a public key as X.509 writes it.
   *
   * @throws GeneralSecurityException if it is none on P-256
   */
  public static PublicKey parsePublic(byte[] der) throws GeneralSecurityException {
    PublicKey key = KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(der));
    if (!(key instanceof ECPublicKey curve)
        || curve.getParams().getCurve().getField().getFieldSize() != CURVE_BITS) {
      throw new GeneralSecurityException("the key is not on the curve P-256");
    }
    return key;
  }

  /** Signs a text. */
  public static byte[] sign(PrivateKey key, String text) {
    try {
      Signature signature = Signature.getInstance(SIGNATURE);
      signature.initSign(key);
      signature.update(text.getBytes(StandardCharsets.UTF_8));
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot sign with a key of our own", e);
    }
  }

  /** Whether a text was signed by the owner of a key. */
  public static boolean verifies(PublicKey key, String text, byte[] signed)
      throws GeneralSecurityException {
    Signature signature = Signature.getInstance(SIGNATURE);
    signature.initVerify(key);
    signature.update(text.getBytes(StandardCharsets.UTF_8));
    return signature.verify(signed);
  }
}
