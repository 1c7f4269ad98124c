use super::*;

fn decoded(bytes: &[u8]) -> Record {
    match decode(bytes, false) {
        Decoded::Record(record) => record,
        other => panic!("{other:?}"),
    }
}

#[test]
fn decode_returns_encoded_record() {
    let millisecond = Duration::from_millis(1);
    let epoch = SystemTime::UNIX_EPOCH;
    let instants = [
        epoch,
        epoch - millisecond,
        epoch - Duration::from_secs(1),
        epoch + millisecond,
        epoch + Duration::from_millis(253_402_300_799_999),
    ];
    for (created_at, expires_at) in instants.into_iter().zip(instants.into_iter().rev()) {
        for owner in [None, Some(""), Some("ada"), Some("\0\u{1f600}")] {
            for payload in [&b""[..], b"payload", &[0, 255]] {
                let record = NewRecord::new(payload, created_at, expires_at).owned_by(owner);
                let bytes = encode(&Version::new(u64::MAX), &record, 7);
                assert_eq!(decoded(&bytes), Record::new(Version::new(u64::MAX), &record));
            }
        }
    }
}

#[test]
fn times_are_rounded_up_and_limited() {
    let epoch = SystemTime::UNIX_EPOCH;
    let ahead =
        |time: SystemTime| decode_time(&encode_time(time)).unwrap().duration_since(time).unwrap();
    assert_eq!(ahead(epoch + Duration::from_nanos(1)), Duration::from_nanos(999_999));
    assert_eq!(ahead(epoch - Duration::from_nanos(1)), Duration::from_nanos(1));
    assert_eq!(ahead(epoch + Duration::from_millis(1)), Duration::ZERO);
    let centuries = Duration::from_secs(60 * 60 * 24 * 36_525);
    assert_eq!(encode_time(epoch - 6 * centuries), [0; 6]);
    assert_eq!(encode_time(epoch + 90 * centuries), [0xff; 6]);
}

#[test]
fn decode_rejects_other_bytes() {
    let record = NewRecord::new(b"", SystemTime::now(), SystemTime::now()).owned_by(Some("ada"));
    let good = encode(&Version::new(1), &record, 7);
    for length in 0..good.len() {
        assert_eq!(decode(&good[..length], false), Decoded::Foreign, "{length} bytes");
    }
    for (position, byte) in [(0, b'{'), (1, 0), (22, 2), (29, 1), (31, 9), (32, 0xff)] {
        let mut bytes = good.clone();
        bytes[position] = byte;
        assert_eq!(decode(&bytes, false), Decoded::Foreign, "byte {position}");
    }
}

#[test]
fn newer_format_is_not_decoded() {
    for format in [2, u8::MAX] {
        for rest in [&[][..], &[0; 100]] {
            let bytes = [&[MAGIC, format], rest].concat();
            assert_eq!(decode(&bytes, false), Decoded::Newer, "{format}");
        }
    }
}

/// The files must not change, because later builds must read them.
#[test]
fn samples_of_format_1_are_read_and_written() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    let later = time + Duration::from_secs(3600);
    let anonymous = NewRecord::new(b"{\"cart\":[1]}", time, later);
    let samples = [
        (&include_bytes!("../../tests/records/format-1-anonymous")[..], anonymous),
        (include_bytes!("../../tests/records/format-1-owner"), anonymous.owned_by(Some("ada"))),
    ];
    for (bytes, record) in samples {
        let version = Version::new(0x0102_0304_0506_0708);
        assert_eq!(decoded(bytes), Record::new(version.clone(), &record));
        assert_eq!(encode(&version, &record, 1_700_007_200_123), bytes);
    }
}

#[test]
fn fuzzed_record_is_record_or_nothing() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_005);
    let samples = [None, Some(""), Some("ada"), Some("é")].map(|owner| {
        let record = NewRecord::new(b"payload", time, time).owned_by(owner);
        encode(&Version::new(7), &record, 9)
    });
    fuzzing::Fuzz::new("Redis record", samples).words(&["\0\0\u{3}", "\u{1}"]).run(|input| {
        let Decoded::Record(record) = decode(input, false) else { return false };
        let same = NewRecord::new(record.payload(), record.created_at(), record.expires_at());
        let listed = if input[OWNER] == 1 { number(&input[23..29]) } else { 0 };
        let again = encode(&record.version(), &same.owned_by(record.owner()), listed);
        assert_eq!(again, input, "two encodings");
        true
    });
}
