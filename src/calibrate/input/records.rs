//! Records as TensorFlow frames them: length, masked CRC-32C of the length, data, masked CRC-32C of the data; little-endian.

use std::io::{self, Read, Write};

use crc32c::crc32c;
use thiserror::Error;

/// Added to a rotated checksum, so that data which hold checksums of their own do not check themselves (TFRecord format).
const MASK_DELTA: u32 = 0xa282_ead8;
/// Length and its checksum.
const HEAD: usize = 12;
/// Checksum of the data.
const TAIL: usize = 4;
/// Longest record that is read: a length that is wrong must not ask for the whole memory.
pub const MAX_RECORD: u64 = 64 << 20;

/// Bytes that a record of `length` bytes takes on disk.
#[must_use]
pub fn framed(length: usize) -> usize {
    HEAD + length + TAIL
}

/// The checksum that stands in a file.
#[must_use]
pub fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(MASK_DELTA)
}

/// Why a file of records cannot be read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The system refuses.
    #[error("byte {at}: {error}")]
    Io {
        /// Where the record begins.
        at: u64,
        /// Why not.
        error: io::Error,
    },
    /// The file ends inside a record.
    #[error("byte {at}: the file ends inside a record")]
    Truncated {
        /// Where the record begins.
        at: u64,
    },
    /// The length is not what was written.
    #[error("byte {at}: the checksum of the length does not match")]
    Length {
        /// Where the record begins.
        at: u64,
    },
    /// The data are not what was written.
    #[error("byte {at}: the checksum of the data does not match")]
    Data {
        /// Where the record begins.
        at: u64,
    },
    /// A record too long to be meant.
    #[error("byte {at}: a record of {length} bytes is longer than {MAX_RECORD}")]
    TooLong {
        /// Where the record begins.
        at: u64,
        /// Its length.
        length: u64,
    },
}

/// Writes records one after another.
#[derive(Debug)]
pub struct RecordWriter<W> {
    out: W,
}

impl<W: Write> RecordWriter<W> {
    /// Onto `out`, which is better buffered.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// When the system refuses, or a record is longer than [`MAX_RECORD`].
    pub fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let length = data.len() as u64;
        if length > MAX_RECORD {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a record longer than 64 MiB"));
        }
        let length = length.to_le_bytes();
        self.out.write_all(&length)?;
        self.out.write_all(&masked_crc(&length).to_le_bytes())?;
        self.out.write_all(data)?;
        self.out.write_all(&masked_crc(data).to_le_bytes())
    }

    /// What was written onto, after a flush.
    ///
    /// # Errors
    /// When the system refuses the flush.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Reads records one after another, and checks both checksums.
#[derive(Debug)]
pub struct RecordReader<R> {
    from: R,
    at: u64,
}

impl<R: Read> RecordReader<R> {
    /// From `from`, which is better buffered.
    pub fn new(from: R) -> Self {
        Self { from, at: 0 }
    }

    /// The framed bytes of the next record into `into`, unchecked but for the length; `false` at the end.
    ///
    /// # Errors
    /// When the file ends inside a record, its length is damaged, or the system refuses.
    pub fn read_raw(&mut self, into: &mut Vec<u8>) -> Result<bool, RecordError> {
        let at = self.at;
        let mut head = [0; HEAD];
        match self.fill(&mut head)? {
            0 => return Ok(false),
            HEAD => {}
            _ => return Err(RecordError::Truncated { at }),
        }
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&head[..8]);
        let length = u64::from_le_bytes(bytes);
        if masked_crc(&bytes).to_le_bytes() != head[8..] {
            return Err(RecordError::Length { at });
        }
        if length > MAX_RECORD {
            return Err(RecordError::TooLong { at, length });
        }
        let rest = length as usize + TAIL;
        into.resize(rest, 0);
        if self.fill(into)? != rest {
            return Err(RecordError::Truncated { at });
        }
        self.at += (HEAD + rest) as u64;
        Ok(true)
    }

    /// The data of the next record into `into`, checked; `false` at the end.
    ///
    /// # Errors
    /// As [`Self::read_raw`], and when the data are damaged.
    pub fn read(&mut self, into: &mut Vec<u8>) -> Result<bool, RecordError> {
        let at = self.at;
        if !self.read_raw(into)? {
            return Ok(false);
        }
        if check(into) { Ok(true) } else { Err(RecordError::Data { at }) }
    }

    /// As many bytes as there are, up to the buffer's length.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, RecordError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.from.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(RecordError::Io { at: self.at, error }),
            }
        }
        Ok(filled)
    }
}

/// Whether data match the checksum behind them, which is taken off.
#[must_use]
pub fn check(record: &mut Vec<u8>) -> bool {
    let Some(length) = record.len().checked_sub(TAIL) else { return false };
    let matches = masked_crc(&record[..length]).to_le_bytes() == record[length..];
    record.truncate(length);
    matches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(records: &[&[u8]]) -> Vec<u8> {
        let mut writer = RecordWriter::new(Vec::new());
        records.iter().for_each(|record| writer.write(record).unwrap());
        writer.finish().unwrap()
    }

    fn all(bytes: &[u8]) -> Result<Vec<Vec<u8>>, RecordError> {
        let mut reader = RecordReader::new(bytes);
        let mut records = Vec::new();
        let mut record = Vec::new();
        while reader.read(&mut record)? {
            records.push(record.clone());
        }
        Ok(records)
    }

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, B.4, and the check value of the polynomial.
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        let known: [(&[u8], u32); 5] = [
            (b"123456789", 0xe306_9283),
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&ascending, 0x46dd_794e),
            (&descending, 0x113f_db5c),
        ];
        for (data, crc) in known {
            assert_eq!(crc32c(data), crc);
            let rotated = ((u64::from(crc) >> 15) | (u64::from(crc) << 17)) & 0xffff_ffff;
            assert_eq!(u64::from(masked_crc(data)), (rotated + 0xa282_ead8) & 0xffff_ffff);
        }
    }

    #[test]
    fn a_record_lies_on_disk_as_others_write_it() {
        // Worked out bit by bit from the polynomial 0x82f63b78, apart from this program.
        let expected = [
            &b"\x03\x00\x00\x00\x00\x00\x00\x00\xb0\x99\x49\x0e"[..],
            b"foo",
            b"\x61\x8a\xbe\xfe".as_slice(),
        ]
        .concat();
        assert_eq!(written(&[b"foo"]), expected);
        assert_eq!(framed(3), expected.len());
    }

    #[test]
    fn records_come_back_as_they_were_written() {
        let long = vec![7; 200_000];
        let records: [&[u8]; 4] = [b"", b"one", &long, b"\0\xff"];
        assert_eq!(all(&written(&records)).unwrap(), records.map(<[u8]>::to_vec));
        assert!(all(&[]).unwrap().is_empty());
    }

    #[test]
    fn any_flipped_bit_is_found() {
        let whole = written(&[b"first", b"second one"]);
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                assert!(all(&bytes).is_err(), "bit {bit} of byte {at}");
            }
        }
        let mut bytes = whole;
        bytes[HEAD + 5 + TAIL + HEAD] ^= 1;
        assert!(matches!(all(&bytes), Err(RecordError::Data { at: 21 })));
    }

    #[test]
    fn a_cut_file_says_where_it_was_cut() {
        let whole = written(&[b"first", b"second"]);
        let second = framed(5);
        for length in second + 1..whole.len() {
            let error = all(&whole[..length]).unwrap_err();
            assert!(matches!(error, RecordError::Truncated { at } if at == second as u64), "{error}");
        }
    }

    #[test]
    fn a_length_beyond_reason_asks_for_no_memory() {
        let length = u64::MAX.to_le_bytes();
        let bytes = [&length[..], &masked_crc(&length).to_le_bytes()].concat();
        assert!(matches!(all(&bytes), Err(RecordError::TooLong { at: 0, length: u64::MAX })));
    }
}
