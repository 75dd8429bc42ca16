//! Pictures that compress and decode like photographs, and what a training pipeline does to them.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::{FilterType, resize};
use image::{ExtendedColorType, ImageEncoder, ImageFormat, ImageReader, Limits, RgbImage};
use thiserror::Error;

use crate::stats::Stream;

/// Side of the square that a picture is resized to, as the usual classifiers of ImageNet take it.
pub const SIDE: u32 = 224;
/// Bytes of a resized picture, a byte for each colour.
pub const RESIZED_BYTES: usize = (SIDE * SIDE * 3) as usize;
/// Bytes of a normalised picture, as it is fed to the device.
pub const FED_BYTES: usize = RESIZED_BYTES * 4;
/// Quality at which a picture of 500 × 375 takes about the 110 kB that ImageNet's take on average.
const JPEG_QUALITY: u8 = 93;
/// Longest side that is decoded.
const MAX_SIDE: u32 = 16_384;
/// Means and deviations of ImageNet's colours, by which pipelines normalise.
const MEANS: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATIONS: [f32; 3] = [0.229, 0.224, 0.225];

/// How pictures are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// Lossy, the usual one of photographs.
    Jpeg,
    /// Lossless.
    Png,
}

impl Codec {
    /// Its word, which is also the ending of a file's name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
        }
    }
}

/// Why a picture could not be coded.
#[derive(Debug, Error)]
pub enum PhotoError {
    /// It cannot be written in the format.
    #[error("a picture cannot be encoded: {0}")]
    Encode(image::ImageError),
    /// The bytes are no picture.
    #[error("a picture cannot be decoded: {0}")]
    Decode(image::ImageError),
}

/// A picture whose detail falls off with frequency as that of photographs does: light from noise of all scales, colour
/// from the coarse ones, and one hard edge.
#[must_use]
pub fn photograph(width: u32, height: u32, index: u32) -> RgbImage {
    let mut stream = Stream::named(1, index, "photograph", "noise");
    let mut light = Plane::new(width, height, 128.0);
    let mut colours = [Plane::new(width, height, 0.0), Plane::new(width, height, 0.0)];
    // Some are grainy, some smooth.
    let grain = 0.7 + 0.8 * stream.uniform() as f32;
    for (cell, strength) in
        [(96, 46.0), (48, 26.0), (24, 17.0), (12, 12.0), (6, 9.0), (3, 10.0 * grain), (1, 19.0 * grain)]
    {
        light.add_noise(cell, strength, &mut stream);
        if cell >= 12 {
            colours.iter_mut().for_each(|colour| colour.add_noise(cell, 0.4 * strength, &mut stream));
        }
    }
    let horizon = (0.3 + 0.4 * stream.uniform()) * f64::from(height);
    RgbImage::from_fn(width, height, |x, y| {
        let at = (y * width + x) as usize;
        let shade = if f64::from(y) < horizon { 30.0 } else { -10.0 };
        let [red, blue] = [colours[0].values[at], colours[1].values[at]];
        let light = light.values[at] + shade;
        image::Rgb(
            [light + red, light - 0.3 * (red + blue), light + blue]
                .map(|value| value.clamp(0.0, 255.0) as u8),
        )
    })
}

/// One quantity over the picture.
struct Plane {
    width: u32,
    height: u32,
    values: Vec<f32>,
}

impl Plane {
    fn new(width: u32, height: u32, value: f32) -> Self {
        Self { width, height, values: vec![value; (width * height) as usize] }
    }

    /// Adds random values on a grid of `cell` pixels, with straight lines between.
    fn add_noise(&mut self, cell: u32, strength: f32, stream: &mut Stream) {
        let columns = (self.width / cell + 2) as usize;
        let rows = (self.height / cell + 2) as usize;
        let grid: Vec<f32> =
            (0..columns * rows).map(|_| (2.0 * stream.uniform() as f32 - 1.0) * strength).collect();
        for y in 0..self.height {
            let (row, down) = ((y / cell) as usize, (y % cell) as f32 / cell as f32);
            for x in 0..self.width {
                let (column, right) = ((x / cell) as usize, (x % cell) as f32 / cell as f32);
                let corner = row * columns + column;
                let above = grid[corner] + (grid[corner + 1] - grid[corner]) * right;
                let below = grid[corner + columns];
                let below = below + (grid[corner + columns + 1] - below) * right;
                self.values[(y * self.width + x) as usize] += above + (below - above) * down;
            }
        }
    }
}

/// The picture in a file's bytes.
///
/// # Errors
/// When the format cannot hold it.
pub fn encode(picture: &RgbImage, codec: Codec) -> Result<Vec<u8>, PhotoError> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    let encoded = match codec {
        Codec::Jpeg => JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).write_image(
            picture,
            width,
            height,
            ExtendedColorType::Rgb8,
        ),
        Codec::Png => PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, PngFilter::Adaptive)
            .write_image(picture, width, height, ExtendedColorType::Rgb8),
    };
    encoded.map_err(PhotoError::Encode)?;
    Ok(bytes)
}

/// The picture out of a file's bytes.
///
/// # Errors
/// When the bytes are no picture of that format, or one of more than 16,384 pixels on a side.
pub fn decode(bytes: &[u8], codec: Codec) -> Result<RgbImage, PhotoError> {
    let format = match codec {
        Codec::Jpeg => ImageFormat::Jpeg,
        Codec::Png => ImageFormat::Png,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    Ok(reader.decode().map_err(PhotoError::Decode)?.into_rgb8())
}

/// The picture as a square of such a side, with straight lines between pixels.
#[must_use]
pub fn squared(picture: &RgbImage, side: u32) -> RgbImage {
    resize(picture, side, side, FilterType::Triangle)
}

/// Colours of a byte each as normalised numbers, one plane after the other, into the end of `into`.
pub fn normalise(pixels: &[u8], into: &mut Vec<f32>) {
    let scale = DEVIATIONS.map(|deviation| 1.0 / (255.0 * deviation));
    let shift = [0, 1, 2].map(|colour| MEANS[colour] / DEVIATIONS[colour]);
    for colour in 0..3 {
        into.extend(
            pixels
                .iter()
                .skip(colour)
                .step_by(3)
                .map(|value| f32::from(*value) * scale[colour] - shift[colour]),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photograph_takes_the_room_that_photographs_take() {
        let sizes: Vec<usize> =
            (0..4).map(|index| encode(&photograph(500, 375, index), Codec::Jpeg).unwrap().len()).collect();
        let mean = sizes.iter().sum::<usize>() as f64 / 4.0;
        assert!((95e3..125e3).contains(&mean), "{sizes:?}");
        assert!(sizes.windows(2).any(|pair| pair[0] != pair[1]), "all alike: {sizes:?}");
        // Neither flat nor noise: a lossless coder saves something and cannot save much.
        let raw = 500.0 * 375.0 * 3.0;
        let png = encode(&photograph(500, 375, 0), Codec::Png).unwrap().len() as f64;
        assert!((0.4..0.95).contains(&(png / raw)), "{png}");
    }

    #[test]
    fn codecs_give_back_the_picture() {
        let picture = photograph(120, 90, 3);
        assert_eq!(decode(&encode(&picture, Codec::Png).unwrap(), Codec::Png).unwrap(), picture);
        let lossy = decode(&encode(&picture, Codec::Jpeg).unwrap(), Codec::Jpeg).unwrap();
        let worst = lossy.iter().zip(picture.iter()).map(|(left, right)| left.abs_diff(*right)).max();
        assert!(worst < Some(40), "{worst:?}");
        assert!(lossy != picture);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let mut bytes = encode(&photograph(64, 64, 0), Codec::Jpeg).unwrap();
        assert!(decode(&bytes, Codec::Png).is_err());
        bytes.truncate(30);
        assert!(decode(&bytes, Codec::Jpeg).is_err());
        assert!(decode(b"", Codec::Jpeg).is_err());
    }

    #[test]
    fn normalised_colours_have_the_stated_means() {
        let mut into = Vec::new();
        // The means of ImageNet, as bytes.
        normalise(&[124, 116, 104, 124, 116, 104], &mut into);
        assert_eq!(into.len(), 6);
        assert!(into.iter().all(|value| value.abs() < 0.02), "{into:?}");
        into.clear();
        normalise(&[255, 0, 0], &mut into);
        assert!((into[0] - (1.0 - 0.485) / 0.229).abs() < 1e-5 && (into[1] + 0.456 / 0.224).abs() < 1e-5);
    }
}
