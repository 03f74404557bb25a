//! ECDSA on brainpoolP256r1 and brainpoolP384r1 (RFC 5639), which AWS-LC does not name but can
//! compute as curves of given parameters.

use std::ptr;

use aws_lc_sys as sys;

use super::{Owned, Refused, succeeded};
use crate::algorithm::Curve;

/// A loaded private key on a brainpool curve. It is never changed after it was made.
pub(crate) struct BrainpoolPrivate {
    key: Owned<sys::EC_KEY>,
    point: Vec<u8>,
}

// SAFETY: an EC_KEY may move between threads, and signing with it from several threads at once is
// allowed as long as nobody changes it (AWS-LC, openssl/ec_key.h); nothing here does.
unsafe impl Send for BrainpoolPrivate {}
// SAFETY: as above.
unsafe impl Sync for BrainpoolPrivate {}

impl BrainpoolPrivate {
    /// Loads a big-endian scalar; AWS-LC refuses zero and anything not below the order.
    pub(crate) fn load(curve: Curve, scalar: &[u8]) -> Result<Self, Refused> {
        let group = group(curve)?;
        let scalar = number(scalar)?;
        let point = new_point(&group)?;
        // SAFETY: all objects are live; null for the second product and the scratch context is
        // allowed.
        succeeded(unsafe {
            let none = ptr::null();
            let (group, point, scalar) = (group.as_ptr(), point.as_ptr(), scalar.as_ptr());
            sys::EC_POINT_mul(group, point, scalar, none, ptr::null(), ptr::null_mut())
        })?;
        let key = empty_key(&group)?;
        // SAFETY: all objects are live; AWS-LC copies scalar and point, and checks both.
        unsafe {
            succeeded(sys::EC_KEY_set_private_key(key.as_ptr(), scalar.as_ptr()))?;
            succeeded(sys::EC_KEY_set_public_key(key.as_ptr(), point.as_ptr()))?;
            succeeded(sys::EC_KEY_check_key(key.as_ptr()))?;
        }
        Ok(Self { key, point: encode_point(curve, &group, &point)? })
    }

    /// The uncompressed public point.
    pub(crate) fn public_point(&self) -> &[u8] {
        &self.point
    }

    /// Signs a digest; the signature is DER (RFC 3279 section 2.2.3).
    pub(crate) fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, Refused> {
        // SAFETY: the key is live.
        let mut signature = vec![0; unsafe { sys::ECDSA_size(self.key.as_ptr()) }];
        let mut length = 0;
        // SAFETY: the key and the digest are live; `signature` has the room that ECDSA_size asks
        // for. The first argument is ignored.
        succeeded(unsafe {
            sys::ECDSA_sign(
                0,
                digest.as_ptr(),
                digest.len(),
                signature.as_mut_ptr(),
                &mut length,
                self.key.as_ptr(),
            )
        })?;
        signature.truncate(length as usize);
        Ok(signature)
    }
}

/// Verifies a DER signature over a digest by an uncompressed point.
pub(crate) fn verify_brainpool(
    curve: Curve,
    point: &[u8],
    digest: &[u8],
    signature: &[u8],
) -> Result<(), Refused> {
    let group = group(curve)?;
    let decoded = new_point(&group)?;
    // SAFETY: all objects are live; AWS-LC checks that the point is on the curve.
    succeeded(unsafe {
        let scratch = ptr::null_mut();
        let (group, decoded) = (group.as_ptr(), decoded.as_ptr());
        sys::EC_POINT_oct2point(group, decoded, point.as_ptr(), point.len(), scratch)
    })?;
    let key = empty_key(&group)?;
    // SAFETY: both objects are live; AWS-LC copies the point.
    succeeded(unsafe { sys::EC_KEY_set_public_key(key.as_ptr(), decoded.as_ptr()) })?;
    // SAFETY: the key and both slices are live. The first argument is ignored.
    succeeded(unsafe {
        sys::ECDSA_verify(
            0,
            digest.as_ptr(),
            digest.len(),
            signature.as_ptr(),
            signature.len(),
            key.as_ptr(),
        )
    })
}

fn empty_key(group: &Owned<sys::EC_GROUP>) -> Result<Owned<sys::EC_KEY>, Refused> {
    // SAFETY: takes nothing; null means that memory ran out.
    let key = Owned::new(unsafe { sys::EC_KEY_new() })?;
    // SAFETY: both objects are live; the key takes its own reference to the group.
    succeeded(unsafe { sys::EC_KEY_set_group(key.as_ptr(), group.as_ptr()) })?;
    Ok(key)
}

fn new_point(group: &Owned<sys::EC_GROUP>) -> Result<Owned<sys::EC_POINT>, Refused> {
    // SAFETY: the group is live; the point takes its own reference to it.
    Owned::new(unsafe { sys::EC_POINT_new(group.as_ptr()) })
}

fn number(big_endian: &[u8]) -> Result<Owned<sys::BIGNUM>, Refused> {
    // SAFETY: pointer and length describe a live slice; null asks for a new number.
    Owned::new(unsafe { sys::BN_bin2bn(big_endian.as_ptr(), big_endian.len(), ptr::null_mut()) })
}

fn encode_point(
    curve: Curve,
    group: &Owned<sys::EC_GROUP>,
    point: &Owned<sys::EC_POINT>,
) -> Result<Vec<u8>, Refused> {
    let mut out = vec![0; 1 + 2 * curve.field_size()];
    // SAFETY: group and point are live; `out` has the room of an uncompressed point.
    let written = unsafe {
        sys::EC_POINT_point2oct(
            group.as_ptr(),
            point.as_ptr(),
            sys::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED,
            out.as_mut_ptr(),
            out.len(),
            ptr::null_mut(),
        )
    };
    if written == out.len() { Ok(out) } else { Err(Refused) }
}

/// Domain parameters of RFC 5639 section 3, in hexadecimal.
struct Parameters {
    p: &'static str,
    a: &'static str,
    b: &'static str,
    x: &'static str,
    y: &'static str,
    q: &'static str,
}

/// RFC 5639 section 3.4.
const P256R1: Parameters = Parameters {
    p: "A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377",
    a: "7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9",
    b: "26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6",
    x: "8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262",
    y: "547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997",
    q: "A9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7",
};

/// RFC 5639 section 3.6.
const P384R1: Parameters = Parameters {
    p: "8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B412B1DA197FB71123ACD3A729901D1A71874700133107EC53",
    a: "7BC382C63D8C150C3C72080ACE05AFA0C2BEA28E4FB22787139165EFBA91F90F8AA5814A503AD4EB04A8C7DD22CE2826",
    b: "04A8C7DD22CE28268B39B55416F0447C2FB77DE107DCD2A62E880EA53EEB62D57CB4390295DBC9943AB78696FA504C11",
    x: "1D1C64F068CF45FFA2A63A81B7C13F6B8847A3E77EF14FE3DB7FCAFE0CBD10E8E826E03436D646AAEF87B2E247D4AF1E",
    y: "8ABE1D7520F9C2A45CB1EB8E95CFD55262B70B29FEEC5864E19C054FF99129280E4646217791811142820341263C5315",
    q: "8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B31F166E6CAC0425A7CF3AB6AF6B7FC3103B883202E9046565",
};

/// Builds the group; the parameters are fixed, so it fails only for want of memory, or when the
/// curve is not a brainpool one.
fn group(curve: Curve) -> Result<Owned<sys::EC_GROUP>, Refused> {
    let parameters = match curve {
        Curve::BrainpoolP256r1 => &P256R1,
        Curve::BrainpoolP384r1 => &P384R1,
        Curve::P256 | Curve::P384 | Curve::P521 => return Err(Refused),
    };
    let of = |hex: &str| number(&crate::fingerprint::hex_octets(hex).ok_or(Refused)?);
    let (p, a, b) = (of(parameters.p)?, of(parameters.a)?, of(parameters.b)?);
    // SAFETY: the numbers are live and copied; a null scratch context is allowed.
    let group = Owned::new(unsafe {
        sys::EC_GROUP_new_curve_GFp(p.as_ptr(), a.as_ptr(), b.as_ptr(), ptr::null_mut())
    })?;
    let (x, y, q, one) = (of(parameters.x)?, of(parameters.y)?, of(parameters.q)?, number(&[1])?);
    let generator = new_point(&group)?;
    // SAFETY: all objects are live; AWS-LC copies them and checks that the point is on the curve.
    unsafe {
        succeeded(sys::EC_POINT_set_affine_coordinates_GFp(
            group.as_ptr(),
            generator.as_ptr(),
            x.as_ptr(),
            y.as_ptr(),
            ptr::null_mut(),
        ))?;
        succeeded(sys::EC_GROUP_set_generator(
            group.as_ptr(),
            generator.as_ptr(),
            q.as_ptr(),
            one.as_ptr(),
        ))?;
    }
    Ok(group)
}
