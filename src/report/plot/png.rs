//! A figure as PNG: its SVG drawn with the window's own font, so that no font of the system is needed.

use std::sync::Arc;

use resvg::tiny_skia::{IntSize, Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use thiserror::Error;

use super::figure::Figure;

/// Most pixels along either side.
const SIDE: f32 = 16_384.0;

/// Why a picture could not be drawn.
#[derive(Debug, Error)]
pub enum PngError {
    /// Its SVG was not understood.
    #[error("the picture cannot be drawn: {0}")]
    Svg(#[from] resvg::usvg::Error),
    /// It would be too large, or empty.
    #[error("a picture of {width} × {height} pixels is out of bounds")]
    Size {
        /// Pixels across.
        width: f32,
        /// Pixels up.
        height: f32,
    },
    /// It could not be encoded.
    #[error("the picture cannot be encoded: {0}")]
    Encode(String),
}

impl Figure {
    /// The picture as a PNG of `scale` pixels for each unit of the SVG.
    ///
    /// # Errors
    /// When it is too large.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, PngError> {
        let mut fonts = Database::new();
        fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        fonts.set_sans_serif_family("Ubuntu");
        let options =
            Options { font_family: "Ubuntu".to_owned(), fontdb: Arc::new(fonts), ..Options::default() };
        let tree = Tree::from_str(&self.svg(), &options)?;
        let size = tree.size();
        let (width, height) = ((size.width() * scale).ceil(), (size.height() * scale).ceil());
        let fits = |side: f32| (1.0..=SIDE).contains(&side);
        let out_of_bounds = PngError::Size { width, height };
        if !(fits(width) && fits(height)) {
            return Err(out_of_bounds);
        }
        let mut pixels = Pixmap::new(width as u32, height as u32).ok_or(out_of_bounds)?;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        pixels.encode_png().map_err(|error| PngError::Encode(error.to_string()))
    }
}

/// Opaque pixels, four bytes each, row by row, as a PNG.
///
/// # Errors
/// When the sides do not fit the pixels.
pub fn png_of_pixels(width: u32, height: u32, pixels: Vec<u8>) -> Result<Vec<u8>, PngError> {
    let out_of_bounds = PngError::Size { width: width as f32, height: height as f32 };
    let size = IntSize::from_wh(width, height);
    let pixels = size.and_then(|size| Pixmap::from_vec(pixels, size)).ok_or(out_of_bounds)?;
    pixels.encode_png().map_err(|error| PngError::Encode(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::figure::{Axis, Legend, Mark, Scale, Style};
    use super::*;

    #[test]
    fn every_mark_and_marker_is_drawn_as_valid_svg() {
        let styles: Vec<Style> = (0..9).map(Style::nth).collect();
        let mut marks: Vec<Mark> = styles
            .iter()
            .enumerate()
            .map(|(index, style)| Mark::Point {
                at: [index as f64 + 1.0, 10.0],
                across: Some([0.5, 20.0]),
                up: Some([1.0, f64::NAN]),
                style: *style,
                label: "<&\"'>".to_owned(),
            })
            .collect();
        marks.push(Mark::Line {
            points: vec![[1.0, 1.0], [9.0, -4.0]],
            style: styles[0],
            label: "l".to_owned(),
        });
        marks.push(Mark::Bar { at: 2.0, span: [1.0, 4.0], style: styles[1], label: "b".to_owned() });
        marks.push(Mark::Band { span: [1.0, 2.0], label: "band".to_owned() });
        let legend = styles.iter().map(|style| Legend { label: "a & b".to_owned(), style: *style }).collect();
        let figure = Figure {
            name: "all",
            title: "<title>".to_owned(),
            x: Axis::new("x", Scale::Logarithmic),
            y: Axis::new("y & z", Scale::Linear),
            marks,
            legend,
            note: "note".to_owned(),
        };
        let png = figure.png(1.0).unwrap();
        assert_eq!(&png[1..4], b"PNG");
        assert!(png.len() > 5000, "the picture is blank: {} bytes", png.len());
        assert!(matches!(figure.png(1e6), Err(PngError::Size { .. })));
    }

    #[test]
    fn pixels_become_a_png_only_of_their_own_size() {
        let png = png_of_pixels(2, 1, vec![255, 0, 0, 255, 0, 0, 255, 255]).unwrap();
        assert_eq!(Pixmap::decode_png(&png).unwrap().data(), [255, 0, 0, 255, 0, 0, 255, 255]);
        assert!(matches!(png_of_pixels(3, 1, vec![0; 8]), Err(PngError::Size { .. })));
        assert!(matches!(png_of_pixels(0, 0, Vec::new()), Err(PngError::Size { .. })));
    }
}
