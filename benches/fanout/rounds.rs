//! The rounds of a row: in each, every side once, directly one after the other.

use std::{error::Error, sync::Arc};

use super::{
    batch, contender::Side, fanfare::Fanfare, options::Options, payload::payload, rival::Rival,
    row::Row, server::Server, summary::Summary,
};

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

/// Measures all sides in turns.
pub(crate) fn compare(
    row: &Row,
    server: &Server,
    options: &Options,
) -> Result<Measured, Box<dyn Error>> {
    let runtime = batch::runtime(row.flavour)?;
    let (urls, value) = (server.urls(row.targets), Arc::new(payload(row.size)));
    let (rival, control) = (Rival::new(&urls, &value)?, Rival::new(&urls, &value)?);
    let fanfare = runtime.block_on(Fanfare::start(&urls, &value))?;
    let broadcasts = options.broadcasts(row);
    let batch_of = |side| match side {
        Side::Rival => batch::run(&runtime, &rival, row, broadcasts),
        Side::Control => batch::run(&runtime, &control, row, broadcasts),
        Side::Fanfare | Side::Engine => batch::run(&runtime, &fanfare, row, broadcasts),
    };
    for side in ORDERS[0] {
        // Connections, caches, the allocator: nobody pays for having been first.
        batch_of(side);
    }
    let mut rounds = Vec::with_capacity(options.rounds);
    for order in ORDERS.iter().cycle().take(options.rounds) {
        let mut round = Round::default();
        for side in *order {
            let place = match side {
                Side::Rival => &mut round.rival,
                Side::Control => &mut round.control,
                Side::Fanfare | Side::Engine => &mut round.fanfare,
            };
            *place = batch_of(side);
        }
        rounds.push(round);
    }
    runtime.block_on(fanfare.end());
    let of = |number: fn(&Round) -> f64| Summary::of(rounds.iter().map(number).collect());
    Ok(Measured {
        rival: of(|round| round.rival),
        fanfare: of(|round| round.fanfare),
        ratio: of(|round| round.fanfare / round.rival),
        control: of(|round| round.control / round.rival),
    })
}

/// One side for as many batches as there would be rounds; the median of them.
pub(crate) fn solo(
    row: &Row,
    side: Side,
    server: &Server,
    options: &Options,
) -> Result<f64, Box<dyn Error>> {
    let runtime = batch::runtime(row.flavour)?;
    let (urls, value) = (server.urls(row.targets), Arc::new(payload(row.size)));
    let broadcasts = options.broadcasts(row);
    let numbers = match side {
        Side::Rival | Side::Control => {
            let rival = Rival::new(&urls, &value)?;
            let batch = |_| batch::run(&runtime, &rival, row, broadcasts);
            (0..options.rounds).map(batch).collect()
        }
        Side::Fanfare | Side::Engine => {
            let fanfare = match side {
                Side::Engine => runtime.block_on(Fanfare::start_alone(&urls, &value))?,
                Side::Rival | Side::Control | Side::Fanfare => {
                    runtime.block_on(Fanfare::start(&urls, &value))?
                }
            };
            let batch = |_| batch::run(&runtime, &fanfare, row, broadcasts);
            let numbers = (0..options.rounds).map(batch).collect();
            runtime.block_on(fanfare.end());
            numbers
        }
    };
    Ok(Summary::of(numbers).median)
}
