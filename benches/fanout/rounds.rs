//! The rounds of a row: in each, every side once, directly one after the other.

use std::error::Error;

use super::{
    contender::{Contender, Who},
    options::Options,
    row::Row,
    server::Server,
    stage::Stage,
    summary::Summary,
};

/// Who sends a batch of a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Rival,
    /// The rival once more, with connections of its own: what differs from it is noise.
    Control,
    Fanfare,
}

/// Every order of three, so that none is always the first, and none always follows the same.
const ORDERS: [[Side; 3]; 6] = [
    [Side::Rival, Side::Fanfare, Side::Control],
    [Side::Control, Side::Fanfare, Side::Rival],
    [Side::Fanfare, Side::Rival, Side::Control],
    [Side::Control, Side::Rival, Side::Fanfare],
    [Side::Rival, Side::Control, Side::Fanfare],
    [Side::Fanfare, Side::Control, Side::Rival],
];

/// What the rounds of a row have shown.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Microseconds per delivery.
    pub(crate) rival: Summary,
    pub(crate) fanfare: Summary,
    /// Fanfare by the rival, within each round.
    pub(crate) ratio: Summary,
    /// The rival by itself, within each round.
    pub(crate) control: Summary,
}

/// Microseconds per delivery of each side in one round.
#[derive(Clone, Copy, Default, Debug)]
struct Round {
    rival: f64,
    control: f64,
    fanfare: f64,
}

/// One of those who are compared, and the work of its batches.
struct Player<'a> {
    contender: Box<dyn Contender + 'a>,
    broadcasts: usize,
    deliveries: f64,
}

/// Measures all sides in turns.
pub(crate) fn compare(
    row: &Row,
    server: &Server,
    options: &Options,
) -> Result<Measured, Box<dyn Error>> {
    let stage = Stage::new(row, server)?;
    let mut rival = Player::start(row.rival, &stage, options)?;
    let mut control = Player::start(row.rival, &stage, options)?;
    let mut fanfare = Player::start(row.fanfare, &stage, options)?;
    let mut rounds = Vec::with_capacity(options.rounds);
    for order in ORDERS.iter().cycle().take(options.rounds) {
        let mut round = Round::default();
        for side in *order {
            match side {
                Side::Rival => round.rival = rival.batch()?,
                Side::Control => round.control = control.batch()?,
                Side::Fanfare => round.fanfare = fanfare.batch()?,
            }
        }
        rounds.push(round);
    }
    let of = |number: fn(&Round) -> f64| Summary::of(rounds.iter().map(number).collect());
    Ok(Measured {
        rival: of(|round| round.rival),
        fanfare: of(|round| round.fanfare),
        ratio: of(|round| round.fanfare / round.rival),
        control: of(|round| round.control / round.rival),
    })
}

/// One of them for as many batches as there would be rounds; the median of them.
pub(crate) fn solo(
    row: &Row,
    who: Who,
    server: &Server,
    options: &Options,
) -> Result<f64, Box<dyn Error>> {
    let stage = Stage::new(row, server)?;
    let mut player = Player::start(who, &stage, options)?;
    let numbers: Result<Vec<_>, _> = (0..options.rounds).map(|_| player.batch()).collect();
    Ok(Summary::of(numbers?).median)
}

impl<'a> Player<'a> {
    /// Warmed up: nobody pays for having been first.
    fn start(who: Who, stage: &'a Stage<'a>, options: &Options) -> Result<Self, Box<dyn Error>> {
        let broadcasts = options.broadcasts(stage.row);
        let deliveries = f64::from(u32::try_from(broadcasts * stage.row.targets)?);
        let mut contender = who.start(stage)?;
        contender.batch(broadcasts.max(who.warm_up() / stage.row.targets))?;
        Ok(Self { contender, broadcasts, deliveries })
    }

    /// Microseconds of CPU time per delivery of one batch.
    fn batch(&mut self) -> Result<f64, Box<dyn Error>> {
        let spent = self.contender.batch(self.broadcasts)?;
        Ok(spent.as_secs_f64() * 1e6 / self.deliveries)
    }
}
