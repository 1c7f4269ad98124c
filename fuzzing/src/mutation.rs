//! Inputs: mutated samples, truncated samples, combined words and random bytes.

use fastrand::Rng;

const LONGEST: usize = 8 * 1024;
/// Bytes that are often a limit of something.
const EXTREMES: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

pub(super) fn input(random: &mut Rng, samples: &[Vec<u8>], words: &[Vec<u8>]) -> Vec<u8> {
    match random.u8(..64) {
        0 => any(random, samples).clone(),
        1..4 => bytes(random, 200),
        4..10 if !words.is_empty() => combined(random, words),
        10..16 => {
            let mut input = any(random, samples).clone();
            input.truncate(random.usize(..=input.len()));
            input
        }
        _ => {
            let mut input = any(random, samples).clone();
            for _ in 0..random.u8(1..=4) {
                mutate(&mut input, random, samples, words);
            }
            input.truncate(LONGEST);
            input
        }
    }
}

fn any<'a>(random: &mut Rng, choices: &'a [Vec<u8>]) -> &'a Vec<u8> {
    &choices[random.usize(..choices.len())]
}

fn bytes(random: &mut Rng, longest: usize) -> Vec<u8> {
    (0..random.usize(..=longest)).map(|_| random.u8(..)).collect()
}

fn combined(random: &mut Rng, words: &[Vec<u8>]) -> Vec<u8> {
    (0..random.u8(1..16)).flat_map(|_| any(random, words).clone()).collect()
}

fn mutate(input: &mut Vec<u8>, random: &mut Rng, samples: &[Vec<u8>], words: &[Vec<u8>]) {
    let at = random.usize(..=input.len());
    let end = random.usize(at..=input.len());
    match random.u8(..10) {
        0 => flip(input, random),
        1 => replace(input, random.u8(..), at),
        2 => replace(input, EXTREMES[random.usize(..EXTREMES.len())], at),
        3 => input.insert(at, random.u8(..)),
        4 => drop(input.drain(at..end.min(at + 8))),
        5 => drop(input.drain(at..end)),
        6 => input.extend_from_within(at..end),
        7 => insert(input, at, &bytes(random, 8)),
        8 if !words.is_empty() => insert(input, at, any(random, words)),
        _ => splice(input, at, any(random, samples), random),
    }
}

fn flip(input: &mut [u8], random: &mut Rng) {
    if !input.is_empty() {
        input[random.usize(..input.len())] ^= 1 << random.u8(..8);
    }
}

fn replace(input: &mut [u8], byte: u8, at: usize) {
    if let Some(target) = input.get_mut(at) {
        *target = byte;
    }
}

fn insert(input: &mut Vec<u8>, at: usize, part: &[u8]) {
    drop(input.splice(at..at, part.iter().copied()));
}

/// Continues with another sample.
fn splice(input: &mut Vec<u8>, at: usize, other: &[u8], random: &mut Rng) {
    input.truncate(at);
    input.extend_from_slice(&other[random.usize(..=other.len())..]);
}
