//! What many numbers say together.

/// Where the numbers lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    pub(crate) min: f64,
    pub(crate) p25: f64,
    pub(crate) median: f64,
    pub(crate) p75: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// Of at least one number.
    pub(crate) fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let at = |quarters: usize| {
            let place = (numbers.len() - 1) * quarters;
            let (low, rest) = (numbers[place / 4], place % 4);
            let high = numbers[(place / 4 + 1).min(numbers.len() - 1)];
            low + (high - low) * [0.0, 0.25, 0.5, 0.75][rest]
        };
        Self { min: at(0), p25: at(1), median: at(2), p75: at(3), max: at(4) }
    }

    /// How wide the middle half of them is.
    pub(crate) fn middle_half(&self) -> f64 {
        self.p75 - self.p25
    }
}
