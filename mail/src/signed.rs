//! Mail whose text lies inside its signature (`application/pkcs7-mime`, RFC 8551, 3.5.2): taken out, not checked.

use bcder::decode::{Constructed, DecodeError, Source};
use bcder::{Mode, OctetString, Oid, Tag};
use mail_parser::{MessagePart, MimeHeaders};

/// A part that may be a mail inside its signature.
pub fn is(part: &MessagePart) -> bool {
    part.is_content_type("application", "pkcs7-mime") || part.is_content_type("application", "x-pkcs7-mime")
}

/// The MIME entity inside of a CMS `SignedData` (RFC 5652, 5.1), in BER. `None` where it is something else, or carries nothing.
pub fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    let found = Mode::Ber.decode(bcder::decode::SliceSource::new(bytes), |cons| {
        cons.take_sequence(|cons| {
            Oid::take_from(cons)?;
            let signed = cons.take_constructed_if(Tag::CTX_0, signed_data)?;
            skip_rest(cons)?;
            Ok(signed)
        })
    });
    found.ok().flatten().map(|octets| octets.to_bytes().to_vec())
}

fn signed_data<S: Source>(cons: &mut Constructed<S>) -> Result<Option<OctetString>, DecodeError<S::Error>> {
    cons.take_sequence(|cons| {
        // The version and the digest algorithms.
        cons.skip_one()?;
        cons.skip_one()?;
        let content = cons.take_sequence(|cons| {
            Oid::take_from(cons)?;
            cons.take_opt_constructed_if(Tag::CTX_0, |cons| OctetString::take_from(cons))
        })?;
        skip_rest(cons)?;
        Ok(content)
    })
}

fn skip_rest<S: Source>(cons: &mut Constructed<S>) -> Result<(), DecodeError<S::Error>> {
    while cons.skip_one()?.is_some() {}
    Ok(())
}
