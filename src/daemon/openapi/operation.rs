//! One thing that the daemon can be asked: what leads there, what it takes, and what it may answer.

use std::sync::Arc;

use axum::{
    handler::Handler,
    routing::{MethodFilter, MethodRouter, on},
};
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::Parameter;
use crate::daemon::{Daemon, Need, ProblemKind};

/// Makes the schema of a type.
pub(super) type Make = fn(&mut SchemaGenerator) -> Schema;

/// A row of the table from which both the router and the description are made.
pub(in crate::daemon) struct Operation {
    pub(in crate::daemon) method: Method,
    pub(in crate::daemon) path: &'static str,
    /// What it needs of a caller, where callers need keys.
    pub(in crate::daemon) need: Need,
    /// What it is called in a program: `sendBroadcast`.
    pub(super) id: &'static str,
    /// One sentence.
    pub(super) summary: &'static str,
    /// Of the query and the head; those of the path are in the path.
    pub(super) parameters: Vec<Parameter>,
    pub(super) takes: Option<Takes>,
    pub(super) answers: Vec<Answers>,
    /// Besides those that anything may answer.
    pub(super) problems: Vec<ProblemKind>,
    pub(in crate::daemon) handler: MethodRouter<Arc<Daemon>>,
}

/// A body of a request.
pub(super) struct Takes {
    pub(super) types: Vec<(&'static str, Make)>,
    pub(super) required: bool,
}

/// An answer without a problem.
pub(super) struct Answers {
    pub(super) status: u16,
    pub(super) summary: &'static str,
    pub(super) media_type: &'static str,
    /// Where there is a body.
    pub(super) schema: Option<Make>,
    /// Headers with what they say.
    pub(super) headers: &'static [(&'static str, &'static str)],
}

pub(super) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Whatever it is.
pub(super) fn bytes(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "string", "format": "binary" })
}

pub(super) fn get<H, T>(need: Need, path: &'static str, id: &'static str, handler: H) -> Operation
where
    H: Handler<T, Arc<Daemon>>,
    T: 'static,
{
    Operation::new(need, (Method::GET, path), id, on(MethodFilter::GET, handler))
}

pub(super) fn post<H, T>(need: Need, path: &'static str, id: &'static str, handler: H) -> Operation
where
    H: Handler<T, Arc<Daemon>>,
    T: 'static,
{
    Operation::new(need, (Method::POST, path), id, on(MethodFilter::POST, handler))
}

pub(super) fn options<H, T>(
    need: Need,
    path: &'static str,
    id: &'static str,
    handler: H,
) -> Operation
where
    H: Handler<T, Arc<Daemon>>,
    T: 'static,
{
    Operation::new(need, (Method::OPTIONS, path), id, on(MethodFilter::OPTIONS, handler))
}

impl Operation {
    fn new(
        need: Need,
        (method, path): (Method, &'static str),
        id: &'static str,
        handler: MethodRouter<Arc<Daemon>>,
    ) -> Self {
        let (parameters, answers) = (Vec::new(), Vec::new());
        let problems = match need {
            Need::Nothing => Vec::new(),
            Need::Scope(_) | Need::Whole(_) => vec![
                ProblemKind::Unauthorized,
                ProblemKind::NotAllowed,
                ProblemKind::RateLimited,
                ProblemKind::Full,
            ],
        };
        let (summary, takes) = ("", None);
        Self { method, path, need, id, summary, parameters, takes, answers, problems, handler }
    }

    pub(super) fn says(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    pub(super) fn with(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// Takes JSON.
    pub(super) fn takes<T: JsonSchema>(self) -> Self {
        self.takes_any(&[("application/json", of::<T>)], true)
    }

    /// Takes JSON, or nothing.
    pub(super) fn may_take<T: JsonSchema>(self) -> Self {
        self.takes_any(&[("application/json", of::<T>)], false)
    }

    /// Takes bodies of these media types.
    pub(super) fn takes_any(mut self, types: &[(&'static str, Make)], required: bool) -> Self {
        self.takes = Some(Takes { types: types.to_vec(), required });
        self.fails(&[
            ProblemKind::MalformedJson,
            ProblemKind::InvalidRequest,
            ProblemKind::RequestTimeout,
            ProblemKind::TooLarge,
            ProblemKind::UnsupportedMediaType,
        ])
    }

    /// Answers JSON.
    pub(super) fn answers<T: JsonSchema>(self, status: u16, summary: &'static str) -> Self {
        self.answer(status, summary, "application/json", Some(of::<T>))
    }

    /// Answers without a body.
    pub(super) fn answers_nothing(self, status: u16, summary: &'static str) -> Self {
        self.answer(status, summary, "", None)
    }

    /// Answers text of that type.
    pub(super) fn answers_text(
        self,
        status: u16,
        summary: &'static str,
        media_type: &'static str,
    ) -> Self {
        self.answer(status, summary, media_type, Some(of::<String>))
    }

    fn answer(
        mut self,
        status: u16,
        summary: &'static str,
        media_type: &'static str,
        schema: Option<Make>,
    ) -> Self {
        self.answers.push(Answers { status, summary, media_type, schema, headers: &[] });
        self
    }

    /// Headers of the answer that was named last.
    pub(super) fn heads(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers = headers;
        }
        self
    }

    /// What it may answer besides.
    pub(super) fn fails(mut self, problems: &[ProblemKind]) -> Self {
        self.problems.extend(problems);
        self
    }
}
