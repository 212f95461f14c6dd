//! What stands in for the secrets that the files refer to.

use fanfare::config::Lookup;

/// The variables of all files. None of them is a secret of anybody.
pub(super) const VARIABLES: [(&str, &str); 27] = [
    ("ANTHROPIC_API_KEY", "anthropic-key"),
    ("AWS_ACCESS_KEY_ID", "AKIAFANFAREEXAMPLE00"),
    ("AWS_SECRET_ACCESS_KEY", "aws-secret"),
    ("DISCORD_WEBHOOK", "223704706495545344/3d89bb7572e0fb30d8128367b3b1b44f"),
    ("GITHUB_TOKEN", "github-token"),
    ("HUBSPOT_TOKEN", "hubspot-token"),
    ("LINEAR_API_KEY", "linear-key"),
    ("MAILGUN_API_KEY", "mailgun-key"),
    ("NOTION_TOKEN", "notion-token"),
    ("OPENAI_API_KEY", "openai-key"),
    ("PAGERDUTY_ROUTING_KEY", "0123456789abcdef0123456789abcdef"),
    ("PAYPAL_CLIENT_ID", "paypal-client"),
    ("PAYPAL_CLIENT_SECRET", "paypal-secret"),
    ("SALESFORCE_CONSUMER_KEY", "3MVG9consumer"),
    ("SALESFORCE_PRIVATE_KEY", include_str!("../../../plugins/auth/tests/keys/rsa.pem")),
    ("SALESFORCE_USER", "fanfare@example.com"),
    ("SENDGRID_API_KEY", "sendgrid-key"),
    ("SHOPIFY_ACCESS_TOKEN", "shopify-token"),
    ("SHOPIFY_SHOP", "fanfare-shop"),
    ("SLACK_BOT_TOKEN", "slack-token"),
    ("SQUARE_ACCESS_TOKEN", "square-token"),
    ("STRIPE_SECRET_KEY", "stripe-key"),
    ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000"),
    ("TWILIO_API_KEY", "SK00000000000000000000000000000000"),
    ("TWILIO_API_SECRET", "twilio-secret"),
    ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("WEBHOOK_SECRET_BEFORE", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
];

/// Nothing but them.
pub(super) struct Standins;

/// The value of a variable.
pub(super) fn standin(name: &str) -> &'static str {
    VARIABLES.iter().find(|it| it.0 == name).unwrap().1
}

impl Lookup for Standins {
    fn env(&self, name: &str) -> Result<Option<String>, String> {
        let found = VARIABLES.iter().find(|it| it.0 == name);
        Ok(found.map(|it| it.1.to_owned()))
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("is not there".to_owned())
    }
}
