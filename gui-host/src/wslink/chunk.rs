//! One WebSocket frame of wslink: a chunk of a message, with its place in it.
//!
//! ```text
//! offset 0  u32 LE  message id   groups the chunks of one message, no other meaning
//!        4  u32 LE  byte offset of this payload in the message
//!        8  u32 LE  length of the message
//!       12  …       payload
//! ```

use super::Fault;

/// Bytes before the payload.
pub const HEADER: usize = 12;

/// A chunk of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Tells messages apart whose chunks come between each other.
    pub message: u32,
    /// Where in the message the payload belongs.
    pub offset: u32,
    /// Length of the message.
    pub total: u32,
    /// Its bytes.
    pub payload: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Reads a frame. That payload, offset and total agree is for the assembler to check.
    pub fn parse(frame: &'a [u8]) -> Result<Self, Fault> {
        let short = Fault::Short { got: frame.len() };
        let (message, rest) = take_number(frame).ok_or(short.clone())?;
        let (offset, rest) = take_number(rest).ok_or(short.clone())?;
        let (total, payload) = take_number(rest).ok_or(short)?;
        Ok(Self { message, offset, total, payload })
    }

    /// Writes the frame.
    pub fn emit(&self) -> Vec<u8> {
        let mut frame = Vec::with_capacity(HEADER + self.payload.len());
        for number in [self.message, self.offset, self.total] {
            frame.extend_from_slice(&number.to_le_bytes());
        }
        frame.extend_from_slice(self.payload);
        frame
    }
}

fn take_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(number, rest)| (u32::from_le_bytes(*number), rest))
}

/// Cuts a message into frames of at most `max_frame` bytes, headers included.
pub fn cut(id: u32, message: &[u8], max_frame: usize) -> impl Iterator<Item = Vec<u8>> {
    let size = max_frame.saturating_sub(HEADER).max(1);
    let total = u32::try_from(message.len()).expect("what the hub keeps is bounded far below 4 GiB");
    let chunk = move |(number, payload)| Chunk { message: id, offset: (number * size) as u32, total, payload }.emit();
    message.chunks(size).enumerate().map(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_into_frames_of_the_size_that_was_agreed() {
        let message: Vec<u8> = (0..91).collect();
        let frames: Vec<_> = cut(7, &message, 64).collect();
        assert_eq!(frames.iter().map(Vec::len).collect::<Vec<_>>(), [64, 51]);
        let second = Chunk::parse(&frames[1]).unwrap();
        assert_eq!(second, Chunk { message: 7, offset: 52, total: 91, payload: &message[52..] });
    }

    #[test]
    fn a_frame_without_a_whole_header_is_refused() {
        assert_eq!(Chunk::parse(&[0; 11]), Err(Fault::Short { got: 11 }));
        assert!(Chunk::parse(&[0; 12]).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn a_frame_is_written_as_it_was_read(frame in proptest::collection::vec(0u8.., 12..80)) {
            proptest::prop_assert_eq!(Chunk::parse(&frame).unwrap().emit(), frame);
        }
    }
}
