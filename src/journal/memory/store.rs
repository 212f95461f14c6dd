//! The state, and its changes: no lock, no clock, no runtime. A method checks first and changes then.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use fanfare_sdk::{Payload, TargetName, Timestamp};
use smallvec::SmallVec;

use super::{
    MemoryLimits, Occupancy,
    keyed::Keyed,
    notices::Owed,
    servings::{Serving, Servings},
};
use crate::{
    journal::{
        Accepted, BroadcastFilter, Claim, Committed, DeadLetter, DeadLetterFilter, Entry,
        JournalError, Letters, Mark, NewBroadcast, NewDelivery, Open, Page, Summary,
        ledger::{self, Books, Due, Rank, Record, Slot},
    },
    report::{Boot, BroadcastId, CancelledBy, DeliveryId, Event, History, IdMap, Report},
};

#[derive(Debug)]
pub(super) struct Store {
    limits: MemoryLimits,
    pub(super) records: IdMap<BroadcastId, Box<Record>>,
    /// The records that came with a caller's key.
    keyed: HashSet<Keyed>,
    servings: Servings,
    pub(super) owed: Owed,
    /// Records that have settled and owe no notice, the oldest first.
    settled: VecDeque<BroadcastId>,
    /// The newest last, numbered.
    dead_letters: VecDeque<(u64, DeadLetter)>,
    /// Dead letters so far.
    died: u64,
    /// Broadcasts accepted so far.
    order: u64,
    /// A broadcast without recipients counts as one, so that there is a limit to them too; and each notice that is still
    /// to come, so that there is a place for it.
    pub(super) deliveries_open: usize,
    payload_bytes_open: usize,
    /// Stands in for the payload of what has settled.
    no_payload: Payload,
}

impl Store {
    pub(super) fn new(limits: MemoryLimits) -> Self {
        Self {
            limits,
            records: IdMap::default(),
            keyed: HashSet::new(),
            servings: Servings::default(),
            owed: Owed::default(),
            settled: VecDeque::new(),
            dead_letters: VecDeque::new(),
            died: 0,
            order: 0,
            deliveries_open: 0,
            payload_bytes_open: 0,
            no_payload: Payload::new("", ""),
        }
    }

    pub(super) fn accept(&mut self, new: NewBroadcast) -> Result<Accepted, JournalError> {
        if let Some(same) = self.known(&new)? {
            return Ok(Accepted::Same(same));
        }
        if !ledger::are_distinct(&new) {
            return Err(JournalError::Invalid("a recipient is named twice"));
        }
        if !self.are_dead(&new) {
            return Err(JournalError::NoDeadLetter);
        }
        if let Some(notice) = new.notice_of {
            self.check_owed(notice)?;
        }
        let count = new.recipients.len().max(1) + Self::promised(&new);
        let deliveries_open = self.deliveries_open.saturating_add(count);
        let bytes = new.payload.bytes().len();
        let payload_bytes_open = self.payload_bytes_open.saturating_add(bytes);
        let is_full = deliveries_open > self.limits.deliveries_open_max
            || payload_bytes_open > self.limits.payload_bytes_max;
        if is_full && new.notice_of.is_none() {
            return Err(JournalError::Full);
        }
        (self.deliveries_open, self.payload_bytes_open) = (deliveries_open, payload_bytes_open);
        if let Some(notice) = new.notice_of {
            self.tell(notice);
        }
        self.discard(&replayed(&new));
        self.make_room();
        Ok(Accepted::New(self.insert(Arc::new(new))))
    }

    /// The broadcast that this one repeats.
    fn known(&self, new: &NewBroadcast) -> Result<Option<BroadcastId>, JournalError> {
        if self.records.contains_key(&new.id) {
            return Ok(Some(new.id));
        }
        let Some(key) = &new.caller_key else { return Ok(None) };
        let Some(before) = self.keyed.get(key.key.as_str()) else { return Ok(None) };
        if before.has_fingerprint(&key.fingerprint) {
            Ok(Some(before.id()))
        } else {
            Err(JournalError::KeyReused)
        }
    }

    fn insert(&mut self, broadcast: Arc<NewBroadcast>) -> Arc<NewBroadcast> {
        let slot = |serving| Slot {
            serving,
            history: History::default(),
            due: broadcast.accepted_at,
            settled: None,
        };
        let names = broadcast.recipients.iter().map(|new| &new.recipient);
        let slots = names.map(|name| slot(self.servings.number(name))).collect();
        let record = Box::new(Record::new(Arc::clone(&broadcast), slots, self.order));
        self.order += record.slots.len().max(1) as u64;
        for (place, slot) in record.slots.iter().enumerate() {
            self.servings.join(slot.serving, record.rank(place), &broadcast);
        }
        self.keyed.extend(Keyed::new(&broadcast));
        self.records.insert(broadcast.id, record);
        broadcast
    }

    pub(super) fn claim(&mut self, serving: &TargetName, boot: Boot, now: Timestamp) -> Claim {
        let number = self.servings.number(serving);
        if self.servings.get(number).boot_min.is_some_and(|least| least < boot) {
            self.lose(number, boot, now);
        }
        self.servings.claim(number, boot)
    }

    /// Writes the loss of every start of a boot before this one.
    fn lose(&mut self, number: u32, boot: Boot, now: Timestamp) {
        let queue = &self.servings.get(number).queue;
        let open: Vec<_> = queue.iter().map(|(rank, open)| (open.id, rank.order)).collect();
        let serving = self.servings.get_mut(number);
        serving.boot_min = None;
        for (id, order) in open {
            let Some(record) = self.records.get_mut(&id) else { continue };
            let place = record.place_of(order);
            let in_flight: SmallVec<[(u32, Boot); 4]> =
                record.slots[place].history.in_flight().map(|s| (s.attempt, s.boot)).collect();
            for (attempt, started_in) in in_flight {
                if started_in < boot {
                    let lost = Event::Lost { attempt, at: now };
                    ledger::happen(record, &mut self.servings, place, lost);
                } else {
                    self.servings.note_boot(number, started_in);
                }
            }
        }
    }

    pub(super) fn due(
        &self,
        claim: &Claim,
        until: Timestamp,
        count_max: usize,
    ) -> Result<Page, JournalError> {
        let serving = self.servings.get(self.servings.check(claim)?);
        let mut page = Page::default();
        let is_due = |rank: &&Rank| rank.due <= until;
        let mut due: Vec<_> = serving.queue.keys().take_while(is_due).collect();
        page.next_due = serving.queue.keys().nth(due.len()).map(|rank| rank.due);
        if due.len() > count_max {
            let first = self.first_of_each_key(serving);
            page.is_keyed = !first.is_empty();
            let is_first = |rank: &&Rank| {
                let key = self.order_key(serving, rank);
                key.is_none_or(|key| first.get(&*key) == Some(&rank.order))
            };
            due.retain(is_first);
        }
        let due = due.into_iter().map(|rank| {
            let broadcast = &serving.queue[rank];
            Due { rank: *rank, priority: broadcast.priority }
        });
        let (due, rest) = ledger::choose(due.collect(), count_max);
        page.next_due = [page.next_due, rest.map(|rank| rank.due)].into_iter().flatten().min();
        for Due { rank, .. } in due {
            let Some(record) = self.records.get(&serving.queue[&rank].id) else { continue };
            page.open.push(self.open(record, record.place_of(rank.order)));
        }
        Ok(page)
    }

    pub(super) fn delivery(&self, id: &DeliveryId) -> Option<Open> {
        let (record, place) = self.find(id)?;
        record.slots[place].settled.is_none().then(|| self.open(record, place))
    }

    fn open(&self, record: &Record, place: usize) -> Open {
        let slot = &record.slots[place];
        Open {
            broadcast: Arc::clone(&record.broadcast),
            place,
            serving: self.servings.name(slot.serving),
            history: slot.history.clone(),
            due: slot.due,
        }
    }

    /// By what a delivery is ordered; only at its own target.
    fn order_key(&self, serving: &Serving, rank: &Rank) -> Option<Arc<str>> {
        let record = self.records.get(&serving.queue[rank].id)?;
        let new = record.broadcast.recipients.get(record.place_of(rank.order))?;
        new.order_key.clone().filter(|_| new.recipient == serving.name)
    }

    /// The first open delivery with each order key.
    fn first_of_each_key(&self, serving: &Serving) -> HashMap<Arc<str>, u64> {
        let mut first = HashMap::new();
        for rank in serving.queue.keys() {
            if let Some(key) = self.order_key(serving, rank) {
                let order = first.entry(key).or_insert(rank.order);
                *order = rank.order.min(*order);
            }
        }
        first
    }

    pub(super) fn append(
        &mut self,
        claim: &Claim,
        entries: Vec<Entry>,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        let serving = self.servings.check(claim)?;
        let mut places = SmallVec::<[usize; 4]>::new();
        for (at, entry) in entries.iter().enumerate() {
            places.push(self.check(serving, entry, &entries[at + 1..])?);
        }
        let mut committed = Committed::default();
        let mut touched = SmallVec::<[BroadcastId; 4]>::new();
        for (entry, place) in entries.into_iter().zip(places) {
            let id = entry.delivery().broadcast;
            let Some(record) = self.records.get_mut(&id) else { continue };
            let open = record.open;
            let dead = ledger::apply(record, &mut self.servings, (place, serving), entry, now);
            if record.open < open {
                self.deliveries_open -= 1;
                touched.push(id);
            }
            dead.into_iter().for_each(|letter| self.bury(letter));
        }
        for id in touched {
            self.fold(id, now, &mut committed);
        }
        Ok(committed)
    }

    /// The place of the delivery that an entry is about, where it may be written.
    fn check(&self, serving: u32, entry: &Entry, after: &[Entry]) -> Result<usize, JournalError> {
        let id = entry.delivery();
        let (record, place) =
            self.find(id).ok_or(JournalError::Invalid("the delivery is not known"))?;
        record.slots[place].check(serving, entry)?;
        let moves = matches!(entry, Entry::Event(_, Event::Moved { .. }));
        if moves && after.iter().any(|entry| entry.delivery() == id) {
            return Err(JournalError::Invalid("the delivery is handed over before"));
        }
        Ok(place)
    }

    fn find(&self, id: &DeliveryId) -> Option<(&Record, usize)> {
        let record = self.records.get(&id.broadcast)?;
        Some((record, record.place(&id.recipient)?))
    }

    pub(super) fn record(&mut self, id: &DeliveryId, fact: Event) -> Result<(), JournalError> {
        if !matches!(fact, Event::Started(_) | Event::Ended(_)) {
            return Err(JournalError::Invalid("only starts and ends are facts"));
        }
        let Some((_, place)) = self.find(id) else { return Ok(()) };
        let Some(record) = self.records.get_mut(&id.broadcast) else { return Ok(()) };
        if record.slots[place].settled.is_none() {
            ledger::happen(record, &mut self.servings, place, fact);
        }
        Ok(())
    }

    pub(super) fn ask_cancel(
        &mut self,
        id: BroadcastId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Committed {
        let mut committed = Committed::default();
        let Some(record) = self.records.get_mut(&id) else { return committed };
        match by {
            CancelledBy::Caller | CancelledBy::Shutdown => {
                ledger::give_up(record, now, &mut committed);
            }
            CancelledBy::Verdict => {}
        }
        ledger::cancel(record, &mut self.servings, by, now, &mut committed);
        self.retire(id, (&mut committed, 0));
        committed
    }

    pub(super) fn judge(&mut self, id: BroadcastId, now: Timestamp) -> Committed {
        let mut committed = Committed::default();
        self.fold(id, now, &mut committed);
        committed
    }

    fn fold(&mut self, id: BroadcastId, now: Timestamp, committed: &mut Committed) {
        let Some(record) = self.records.get_mut(&id) else { return };
        let owed = committed.owed.len();
        ledger::fold(record, &mut self.servings, now, committed);
        self.retire(id, (committed, owed));
    }

    /// Takes note that a broadcast has settled, once, and of the notices that are owed: those behind the first `owed`.
    fn retire(&mut self, id: BroadcastId, (committed, owed): (&mut Committed, usize)) {
        let Some(record) = self.records.get_mut(&id) else { return };
        let retires = ledger::retire(record, committed);
        self.note_owed(committed, owed);
        let Some(record) = self.records.get_mut(&id).filter(|_| retires) else { return };
        self.deliveries_open -= usize::from(record.slots.is_empty());
        self.payload_bytes_open -= record.broadcast.payload.bytes().len();
        // Nothing will be sent any more: the report is kept, the payload is not.
        Arc::make_mut(&mut record.broadcast).payload = self.no_payload.clone();
        self.keep(id);
    }

    /// Keeps what has settled for as long as there is room: what owes a notice for longer.
    pub(super) fn keep(&mut self, id: BroadcastId) {
        let owes = |record: &Record| !record.retired || record.promised().count() > 0;
        if !self.records.get(&id).is_none_or(|record| owes(record)) {
            self.settled.push_back(id);
            self.make_room();
        }
    }

    fn bury(&mut self, letter: DeadLetter) {
        self.died += 1;
        self.dead_letters.push_back((self.died, letter));
        if self.dead_letters.len() > self.limits.dead_letters_max {
            self.dead_letters.pop_front();
        }
    }

    /// Forgets settled broadcasts, the oldest first, until the limits are kept.
    fn make_room(&mut self) {
        while self.settled.len() > self.limits.settled_max {
            let Some(id) = self.settled.pop_front() else { return };
            let Some(record) = self.records.remove(&id) else { continue };
            if let Some(key) = &record.broadcast.caller_key {
                self.keyed.remove(key.key.as_str());
            }
        }
    }

    pub(super) fn view(&self, id: BroadcastId) -> Option<Report> {
        self.records.get(&id).map(|record| record.report())
    }

    pub(super) fn open_broadcasts(&self) -> Vec<(BroadcastId, Option<Timestamp>)> {
        let open = self.records.values().filter(|record| !record.retired);
        let mut open: Vec<_> = open.map(|record| (record.order, &record.broadcast)).collect();
        open.sort_unstable_by_key(|(order, _)| *order);
        open.into_iter().map(|(_, broadcast)| (broadcast.id, broadcast.deadline)).collect()
    }

    pub(super) fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        from: Option<Mark>,
        count_max: usize,
    ) -> Letters {
        let mark =
            |(order, letter): &(u64, DeadLetter)| Mark { at: letter.settled_at, order: *order };
        let mut fitting = self
            .dead_letters
            .iter()
            .rev()
            .filter(|dead| from.is_none_or(|from| mark(dead) <= from) && filter.fits(&dead.1));
        let letters = fitting.by_ref().take(count_max).map(|(_, letter)| letter.clone()).collect();
        Letters { letters, next: fitting.next().map(mark) }
    }

    /// Whether all that is replayed is there.
    fn are_dead(&self, new: &NewBroadcast) -> bool {
        let replayed = replayed(new);
        let dead = |id: &DeliveryId| self.dead_letters.iter().any(|(_, letter)| letter.id == *id);
        replayed.iter().all(dead)
    }

    pub(super) fn discard(&mut self, letters: &[DeliveryId]) -> usize {
        let before = self.dead_letters.len();
        if !letters.is_empty() {
            self.dead_letters.retain(|(_, letter)| !letters.contains(&letter.id));
        }
        before - self.dead_letters.len()
    }

    pub(super) fn broadcasts(
        &self,
        filter: &BroadcastFilter,
        before: Option<BroadcastId>,
        count_max: usize,
    ) -> Vec<Summary> {
        let order = |id| self.records.get(&id).map_or(0, |record| record.order);
        let before = before.map(order);
        let earlier = |record: &Record| before.is_none_or(|before| record.order < before);
        let records = self.records.values().map(|record| &**record);
        let mut fitting: Vec<_> =
            records.filter(|record| earlier(record) && record.fits(filter)).collect();
        fitting.sort_unstable_by_key(|record| Reverse(record.order));
        fitting.into_iter().take(count_max).map(|record| record.summary()).collect()
    }

    /// What has settled has let its payload go.
    pub(super) fn sent(&self, id: BroadcastId) -> Option<Arc<NewBroadcast>> {
        let record = self.records.get(&id)?;
        (!record.retired).then(|| Arc::clone(&record.broadcast))
    }

    pub(super) fn serving(&self) -> Vec<(TargetName, u64)> {
        let open = self.servings.all().filter(|serving| !serving.queue.is_empty());
        open.map(|serving| (serving.name.clone(), serving.queue.len() as u64)).collect()
    }

    pub(super) fn occupancy(&self) -> Occupancy {
        Occupancy {
            deliveries_open: self.deliveries_open,
            payload_bytes_open: self.payload_bytes_open,
            broadcasts_open: self.records.len() - self.settled.len(),
            broadcasts_settled: self.settled.len(),
            dead_letters: self.dead_letters.len(),
        }
    }
}

/// The deliveries that it repeats.
fn replayed(new: &NewBroadcast) -> SmallVec<[DeliveryId; 1]> {
    let Some(broadcast) = new.replay_of else { return SmallVec::new() };
    let id = |new: &NewDelivery| DeliveryId { broadcast, recipient: new.recipient.clone() };
    new.recipients.iter().map(id).collect()
}
