//! The two shapes in which an app is a location's SMS provider (GHL contract, two shapes of SMS
//! provider): which of them a location has, and what goes to each.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};

use crate::{
    GhlApp,
    app::App,
    ghl::{Answer, Refused, Who, model::Location, ok},
};

/// How the app serves a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// In place of LC Phone; an agency user picks it, and no API does.
    Default,
    /// Beside it, from the installation on.
    Extra,
}

impl Shape {
    /// `messageType` of what goes through it.
    pub(crate) fn message_type(self) -> &'static str {
        match self {
            Shape::Default => "TYPE_CUSTOM_SMS",
            Shape::Extra => "TYPE_CUSTOM_PROVIDER_SMS",
        }
    }

    /// Its delivery URL in the app's portal.
    pub(crate) fn delivery_path(self) -> &'static str {
        match self {
            Shape::Default => "/webhooks/ghl/sms",
            Shape::Extra => "/webhooks/ghl",
        }
    }
}

impl GhlApp {
    pub(crate) fn provider_id(&self, shape: Shape) -> &str {
        match shape {
            Shape::Default => &self.default_provider_id,
            Shape::Extra => &self.conversation_provider_id,
        }
    }

    /// The shape that has this id.
    pub(crate) fn shape(&self, provider_id: &str) -> Option<Shape> {
        [Shape::Extra, Shape::Default]
            .into_iter()
            .find(|shape| self.provider_id(*shape) == provider_id)
    }
}

impl Location {
    pub(crate) fn has(&self, shape: Shape) -> bool {
        match shape {
            Shape::Default => self.default_provider,
            Shape::Extra => self.extra_channel,
        }
    }

    /// All that it has.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = Shape> {
        let all = [Shape::Extra, Shape::Default];
        all.into_iter().filter(|shape| self.has(*shape))
    }
}

/// GoHighLevel's own provider.
const LC_PHONE: &str = "5a9db0c0000000000000001c";

/// `GET /locations/{id}/conversationChannels/SMS`: there in the newest version alone.
pub(crate) async fn channels(
    State(app): State<Arc<App>>,
    who: Who,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer {
    if headers.get("version").is_none_or(|version| version != "v3") {
        let message = format!("Cannot GET /locations/{id}/conversationChannels/SMS");
        return Err(Refused::new(StatusCode::NOT_FOUND, &message));
    }
    who.in_location("locations.readonly", &id)?;
    let state = app.lock();
    let locations = &state.kept.ghl.locations;
    let location = locations.get(&id).ok_or_else(Refused::other_tenant)?;
    let entry = |id: &str, name: &str, default: bool| json!({ "conversationProvider": { "_id": id, "name": name, "type": "SMS", "default": default } });
    let ours = location.shapes().map(|shape| {
        let name = match shape {
            Shape::Default => "WhatsApp as SMS",
            Shape::Extra => "WhatsApp",
        };
        entry(app.ghl.provider_id(shape), name, shape == Shape::Default)
    });
    let lc_phone = entry(LC_PHONE, "LC Phone", !location.default_provider);
    let all: Vec<Value> = ours.chain([lc_phone]).collect();
    let chosen = if location.default_provider {
        app.ghl.default_provider_id.as_str()
    } else {
        LC_PHONE
    };
    ok(json!({ "conversationChannel": { "SMS": all, "defaults": { "SMS": chosen } } }))
}
