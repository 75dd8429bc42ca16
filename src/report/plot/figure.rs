//! What a picture is made of.

/// How values lie along an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By their logarithm; only positive values have a place.
    Logarithmic,
    /// One place for each name: value 0 is the first.
    Named(Vec<String>),
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it shows, with the unit.
    pub label: String,
    /// How.
    pub scale: Scale,
    /// Its ends where the marks do not say them.
    pub range: Option<(f64, f64)>,
}

impl Axis {
    /// An axis whose ends follow from the marks.
    #[must_use]
    pub fn new(label: impl Into<String>, scale: Scale) -> Self {
        Self { label: label.into(), scale, range: None }
    }
}

/// Shape of a point, so that colour alone never tells two fleets apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A square on its corner.
    Diamond,
    /// A triangle that points up.
    Up,
    /// A triangle that points down.
    Down,
    /// A cross.
    Cross,
    /// A plus.
    Plus,
}

impl Marker {
    const ALL: [Self; 7] =
        [Self::Circle, Self::Square, Self::Diamond, Self::Up, Self::Down, Self::Cross, Self::Plus];
}

/// Looks of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Red, green, blue.
    pub colour: [u8; 3],
    /// Shape of points.
    pub marker: Marker,
    /// Whether lines are broken.
    pub dashed: bool,
    /// Whether points and bars are drawn faint.
    pub faint: bool,
}

/// Okabe and Ito's colours, told apart with any sight; a violet stands for their yellow, which is not seen on white.
pub(super) const COLOURS: [[u8; 3]; 8] = [
    [0x00, 0x72, 0xb2],
    [0xd5, 0x5e, 0x00],
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0xe6, 0x9f, 0x00],
    [0x56, 0xb4, 0xe9],
    [0x60, 0x60, 0x60],
    [0x99, 0x22, 0xee],
];

impl Style {
    /// The style of the `index`-th thing of a picture.
    #[must_use]
    pub fn nth(index: usize) -> Self {
        let marker = Marker::ALL[(index + index / COLOURS.len()) % Marker::ALL.len()];
        Self { colour: COLOURS[index % COLOURS.len()], marker, dashed: false, faint: false }
    }

    /// The same, faint.
    #[must_use]
    pub fn faintly(self, faint: bool) -> Self {
        Self { faint, ..self }
    }
}

/// The style of the fleet in the `index`-th row of a comparison: the same in every picture and table.
#[must_use]
pub fn fleet_style(index: usize) -> Style {
    Style::nth(index)
}

/// Which way something runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Along the horizontal axis.
    Across,
    /// Along the vertical axis.
    Up,
}

/// One thing drawn, in the units of the axes.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A point with the intervals of its values.
    Point {
        /// Where.
        at: [f64; 2],
        /// Interval along the horizontal axis.
        across: Option<[f64; 2]>,
        /// Interval along the vertical axis.
        up: Option<[f64; 2]>,
        /// Looks.
        style: Style,
        /// What it is.
        label: String,
    },
    /// A line through points.
    Line {
        /// The points, in order.
        points: Vec<[f64; 2]>,
        /// Looks.
        style: Style,
        /// What it is.
        label: String,
    },
    /// A bar along the horizontal axis at a place of the vertical one.
    Bar {
        /// Place on the vertical axis.
        at: f64,
        /// Its two ends.
        span: [f64; 2],
        /// Looks.
        style: Style,
        /// What it is.
        label: String,
    },
    /// A line through the whole picture at one value: a target.
    Rule {
        /// The axis that has the value.
        axis: Direction,
        /// The value.
        value: f64,
        /// What it is.
        label: String,
    },
    /// A grey band over the whole width between two values of the vertical axis.
    Band {
        /// Its two ends.
        span: [f64; 2],
        /// What it is.
        label: String,
    },
}

/// One line of the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Legend {
    /// What.
    pub label: String,
    /// How it looks.
    pub style: Style,
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Name of its file and tab, in kebab case.
    pub name: &'static str,
    /// Title.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// What is drawn, in order.
    pub marks: Vec<Mark>,
    /// What the styles mean.
    pub legend: Vec<Legend>,
    /// What the reader must know to read it.
    pub note: String,
}

impl Figure {
    /// The ends of both axes: given, or those of all marks with a little room.
    #[must_use]
    pub fn ranges(&self) -> [(f64, f64); 2] {
        [(&self.x, Direction::Across), (&self.y, Direction::Up)]
            .map(|(axis, direction)| axis.range.unwrap_or_else(|| self.reach(axis, direction)))
    }

    fn reach(&self, axis: &Axis, direction: Direction) -> (f64, f64) {
        if let Scale::Named(names) = &axis.scale {
            return (-0.5, names.len().max(1) as f64 - 0.5);
        }
        let logarithmic = axis.scale == Scale::Logarithmic;
        let values = self.marks.iter().flat_map(|mark| mark.values(direction));
        let fits = |value: &f64| value.is_finite() && (!logarithmic || *value > 0.0);
        let (low, high) = values
            .filter(fits)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        match (low <= high, logarithmic) {
            (false, true) => (1.0, 10.0),
            (false, false) => (0.0, 1.0),
            (true, true) => (low / 1.25, high * 1.25),
            (true, false) => {
                let from = if low > 0.0 && low < 0.6 * high { 0.0 } else { low };
                let room = (high - from).max(high.abs() * 1e-3).max(f64::MIN_POSITIVE) * 0.05;
                (if from == 0.0 { 0.0 } else { from - room }, high + room)
            }
        }
    }
}

impl Mark {
    /// Values that it reaches along an axis.
    fn values(&self, direction: Direction) -> Vec<f64> {
        let index = usize::from(direction == Direction::Up);
        match self {
            Self::Point { at, across, up, .. } => {
                let interval = if index == 0 { across } else { up };
                std::iter::once(at[index]).chain(interval.iter().flatten().copied()).collect()
            }
            Self::Line { points, .. } => points.iter().map(|point| point[index]).collect(),
            Self::Bar { at, span, .. } => {
                if index == 0 {
                    span.to_vec()
                } else {
                    vec![*at]
                }
            }
            Self::Rule { axis, value, .. } if *axis == direction => vec![*value],
            Self::Rule { .. } | Self::Band { .. } => Vec::new(),
        }
    }
}
