//! The user context of a custom page (GHL contract, user context): JSON, encrypted as CryptoJS and
//! `openssl enc -md md5` do.

use aws_lc_rs::{
    cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey},
    error::Unspecified,
    iv::FixedLength,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};

use crate::ids;

/// base64 of `Salted__`, eight bytes of salt and the ciphertext.
pub(crate) fn encrypt(plain: &[u8], passphrase: &str) -> Result<String, Unspecified> {
    let salt = ids::random::<8>();
    let (key, iv) = derive(passphrase.as_bytes(), &salt);
    let key = UnboundCipherKey::new(&AES_256, &key)?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key)?;
    let mut text = plain.to_vec();
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from(&iv)))?;
    let mut out = b"Salted__".to_vec();
    out.extend_from_slice(&salt);
    out.append(&mut text);
    Ok(STANDARD.encode(out))
}

/// `EVP_BytesToKey` with MD5 and one round: blocks of MD5(previous block, passphrase, salt) until
/// there are 32 bytes of key and 16 of initial vector.
fn derive(passphrase: &[u8], salt: &[u8]) -> ([u8; 32], [u8; 16]) {
    let mut bytes = [0u8; 48];
    let mut block: Vec<u8> = Vec::new();
    for part in bytes.chunks_exact_mut(16) {
        let mut hash = Md5::new();
        hash.update(&block);
        hash.update(passphrase);
        hash.update(salt);
        block = hash.finalize().to_vec();
        part.copy_from_slice(&block);
    }
    let (mut key, mut iv) = ([0; 32], [0; 16]);
    key.copy_from_slice(&bytes[..32]);
    iv.copy_from_slice(&bytes[32..]);
    (key, iv)
}
