//! Each file of `examples/apis`, as it stands, against a mock that knows the rules of the API that it is for.
//!
//! A mock enforces what its vendor documents; the comment over a rule names the page. It answers as the vendor does,
//! also to what it refuses: each file is broken in the test, and the report has to say what came of that. The mocks
//! play on the scripted transport: the URLs are the vendors', and time is virtual.

mod ask;
mod files;
mod sigv4;
mod stage;
mod standins;
mod throttle;
mod wire;

mod anthropic;
mod discord;
mod github;
mod hubspot;
mod linear;
mod mailgun;
mod notion;
mod openai;
mod pagerduty;
mod paypal;
mod salesforce;
mod sendgrid;
mod shopify;
mod slack;
mod sqs;
mod square;
mod standard_webhooks;
mod stripe;
mod twilio;
