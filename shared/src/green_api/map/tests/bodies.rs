use serde_json::{Value, json};

/// A customer's message with this content.
pub(super) fn incoming(message_data: Value) -> Value {
    json!({
        "typeWebhook": "incomingMessageReceived",
        "instanceData": {"idInstance": 1101000001, "wid": "79990000000@c.us", "typeInstance": "whatsapp"},
        "timestamp": 1700000000,
        "idMessage": "3EB0A1B2C3D4E5F60718",
        "senderData": {"chatId": "79001234567@c.us", "chatName": "Ann", "sender": "79001234567@c.us", "senderName": "Ann", "senderContactName": "Ann Lee"},
        "messageData": message_data,
    })
}

fn file(type_message: &str, url: &str, name: &str, mime: &str) -> Value {
    incoming(
        json!({"typeMessage": type_message, "fileMessageData": {"downloadUrl": url, "caption": "", "fileName": name, "mimeType": mime, "jpegThumbnail": "AAAA", "isForwarded": false}}),
    )
}

/// One body for each type of message and of notification, with the name of its snapshot.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let quoted = json!({"stanzaId": "Q1", "participant": "79990000000@c.us", "typeMessage": "textMessage", "textMessage": "Will you come today, or shall we move it?"});
    let mut bodies = vec![
        (
            "textMessage",
            incoming(
                json!({"typeMessage": "textMessage", "textMessageData": {"textMessage": "  Good morning\n"}}),
            ),
        ),
        (
            "extendedTextMessage",
            incoming(
                json!({"typeMessage": "extendedTextMessage", "extendedTextMessageData": {"text": "See https://example.com", "title": "Example", "description": "", "previewType": "None"}}),
            ),
        ),
        (
            "quotedMessage",
            incoming(
                json!({"typeMessage": "quotedMessage", "extendedTextMessageData": {"text": "Today", "stanzaId": "Q1", "participant": "79990000000@c.us"}, "quotedMessage": quoted}),
            ),
        ),
        (
            "quotedMessage_id_only",
            incoming(
                json!({"typeMessage": "quotedMessage", "extendedTextMessageData": {"text": "This one", "stanzaId": "Q1", "participant": "79990000000@c.us"}}),
            ),
        ),
        (
            "quotedMessage_of_image",
            incoming(
                json!({"typeMessage": "quotedMessage", "extendedTextMessageData": {"text": "Nice"}, "quotedMessage": {"stanzaId": "Q2", "typeMessage": "imageMessage", "downloadUrl": "", "caption": ""}}),
            ),
        ),
        (
            "imageMessage",
            file(
                "imageMessage",
                "https://media.example.com/1.jpg",
                "1.jpg",
                "image/jpeg",
            ),
        ),
        (
            "videoMessage",
            file(
                "videoMessage",
                "https://media.example.com/2.mp4",
                "2.mp4",
                "video/mp4",
            ),
        ),
        (
            "audioMessage",
            file(
                "audioMessage",
                "https://media.example.com/3.oga",
                "3.oga",
                "audio/ogg; codecs=opus",
            ),
        ),
        (
            "documentMessage",
            file(
                "documentMessage",
                "https://media.example.com/4.pdf",
                "Offer.pdf",
                "application/pdf",
            ),
        ),
        (
            "documentMessage_audio",
            file(
                "documentMessage",
                "https://media.example.com/5.mp3",
                "song.mp3",
                "audio/mpeg",
            ),
        ),
        (
            "documentMessage_too_large",
            file(
                "documentMessage",
                "{{SWE002}}",
                "Film.zip",
                "application/zip",
            ),
        ),
        (
            "imageMessage_no_link",
            file("imageMessage", "", "", "image/jpeg"),
        ),
        (
            "stickerMessage",
            file(
                "stickerMessage",
                "https://media.example.com/6.webp",
                "",
                "image/webp",
            ),
        ),
        (
            "locationMessage",
            incoming(
                json!({"typeMessage": "locationMessage", "locationMessageData": {"nameLocation": "Cafe", "address": "Main 1", "latitude": 12.345678910111213, "longitude": "-2"}, "quotedMessage": quoted}),
            ),
        ),
        (
            "contactMessage",
            incoming(
                json!({"typeMessage": "contactMessage", "contactMessageData": {"displayName": "Bob", "vcard": "BEGIN:VCARD\nVERSION:3.0\nFN:Bob\nTEL;type=CELL;waid=79005556677:+7 900 555-66-77\nTEL:+1 201 555 0123\nEND:VCARD"}}),
            ),
        ),
        (
            "contactsArrayMessage",
            incoming(
                json!({"typeMessage": "contactsArrayMessage", "messageData": {"contacts": [{"displayName": "Bob", "vcard": "TEL;waid=79005556677:+7 900 555-66-77"}, {"displayName": "Eve", "vcard": ""}]}}),
            ),
        ),
        (
            "contactsArrayMessage_2023",
            incoming(
                json!({"typeMessage": "ContactsArrayMessage", "contacts": [{"displayName": "Bob", "vcard": "TEL;waid=79005556677"}]}),
            ),
        ),
        (
            "pollMessage",
            incoming(
                json!({"typeMessage": "pollMessage", "pollMessageData": {"name": "Colour?", "options": [{"optionName": "Red"}, {"optionName": "Blue"}], "multipleAnswers": true}}),
            ),
        ),
        (
            "pollMessage_2023",
            incoming(
                json!({"typeMessage": "pollMessage", "pollCreationMessage": {"name": "Colour?", "options": [{"optionName": "Red"}], "selectableOptionsCount": 1}}),
            ),
        ),
        (
            "pollUpdateMessage",
            incoming(
                json!({"typeMessage": "pollUpdateMessage", "pollMessageData": {"stanzaId": "P1", "name": "Colour?", "votes": [{"optionName": "Red", "optionVoters": ["79001234567@c.us"]}, {"optionName": "Blue", "optionVoters": []}]}}),
            ),
        ),
        (
            "editedMessage",
            incoming(
                json!({"typeMessage": "editedMessage", "editedMessageData": {"textMessage": "At six", "stanzaId": "E1"}}),
            ),
        ),
        (
            "editedMessage_caption",
            incoming(
                json!({"typeMessage": "editedMessage", "editedMessageData": {"caption": "The new flat", "stanzaId": "E1"}}),
            ),
        ),
        (
            "deletedMessage",
            incoming(
                json!({"typeMessage": "deletedMessage", "deletedMessageData": {"stanzaId": "D1"}}),
            ),
        ),
        (
            "reactionMessage",
            incoming(
                json!({"typeMessage": "reactionMessage", "extendedTextMessageData": {"text": "👍"}, "quotedMessage": {"stanzaId": "R1", "participant": "79990000000@c.us"}}),
            ),
        ),
        (
            "reactionMessage_removed",
            incoming(
                json!({"typeMessage": "reactionMessage", "extendedTextMessageData": {"text": ""}, "quotedMessage": {"stanzaId": "R1"}}),
            ),
        ),
        (
            "interactiveButtons",
            incoming(
                json!({"typeMessage": "interactiveButtons", "interactiveButtons": {"titleText": "Order", "contentText": "Your order is ready", "footerText": "Shop", "buttons": [
            {"type": "copy", "buttonId": "1", "buttonText": "Code", "copyCode": "A-1", "phoneNumber": "", "url": ""},
            {"type": "call", "buttonId": "2", "buttonText": "Call us", "copyCode": "", "phoneNumber": "79005556677", "url": ""},
            {"type": "url", "buttonId": "3", "buttonText": "Track", "copyCode": "", "phoneNumber": "", "url": "https://example.com/t"},
            {"type": "reply", "buttonId": "4", "buttonText": "Thanks"}]}}),
            ),
        ),
        (
            "interactiveButtonsReply",
            incoming(
                json!({"typeMessage": "interactiveButtonsReply", "interactiveButtonsReply": {"contentText": "Will you come?", "buttons": [{"buttonId": "1", "buttonText": "Yes"}, {"buttonId": "2", "buttonText": "No"}]}}),
            ),
        ),
        (
            "buttonsMessage",
            incoming(
                json!({"typeMessage": "buttonsMessage", "buttonsMessage": {"contentText": "Choose", "footer": "Shop", "buttons": [{"buttonId": "1", "buttonText": "Red"}]}}),
            ),
        ),
        (
            "listMessage",
            incoming(
                json!({"typeMessage": "listMessage", "listMessage": {"title": "Menu", "contentText": "Choose", "footer": "Shop", "buttonText": "Open", "sections": [{"title": "Drinks", "rows": [{"title": "Tea", "rowId": "1", "description": "green"}, {"title": "Juice", "rowId": "2"}]}, {"title": "Food", "rows": [{"title": "Soup", "rowId": "3"}]}]}}),
            ),
        ),
        (
            "templateMessage",
            incoming(
                json!({"typeMessage": "templateMessage", "templateMessage": {"contentText": "Welcome", "footer": "Shop", "buttons": [{"index": 1, "urlButton": {"displayText": "Site", "url": "https://example.com"}}, {"index": 2, "callButton": {"displayText": "Call us", "phoneNumber": "+1 (201) 5550-123"}}, {"index": 3, "quickReplyButton": {"displayText": "Stop", "id": "s"}}]}}),
            ),
        ),
        (
            "templateButtonsReplyMessage",
            incoming(
                json!({"typeMessage": "templateButtonsReplyMessage", "templateButtonReplyMessage": {"stanzaId": "B1", "selectedIndex": 0, "selectedId": "1", "selectedDisplayText": "Yes"}}),
            ),
        ),
        (
            "templateButtonReplyMessage",
            incoming(
                json!({"typeMessage": "templateButtonReplyMessage", "templateButtonReplyMessage": {"stanzaId": "B1", "selectedId": "1"}}),
            ),
        ),
        (
            "interactiveButtonsResponse",
            incoming(
                json!({"typeMessage": "interactiveButtonsResponse", "interactiveButtonsResponse": {"stanzaId": "B1", "selectedIndex": 1, "selectedId": "2", "selectedDisplayText": "No"}}),
            ),
        ),
        (
            "buttonsResponseMessage",
            incoming(
                json!({"typeMessage": "buttonsResponseMessage", "buttonsResponseMessage": {"stanzaId": "B1", "selectedButtonId": "1", "selectedButtonText": "Red"}}),
            ),
        ),
        (
            "listResponseMessage",
            incoming(
                json!({"typeMessage": "listResponseMessage", "listResponseMessage": {"stanzaId": "B1", "title": "Tea", "singleSelectReply": {"selectedRowId": "1"}}}),
            ),
        ),
        (
            "groupInviteMessage",
            incoming(
                json!({"typeMessage": "groupInviteMessage", "groupInviteMessageData": {"groupJid": "120363000000000001@g.us", "inviteCode": "c", "inviteExpiration": {"low": 1, "high": 0, "unsigned": false}, "groupName": "Drawing", "caption": "Join us"}}),
            ),
        ),
        (
            "textMessage_not_synced",
            incoming(
                json!({"typeMessage": "textMessage", "textMessageData": {"textMessage": "{{SWE001}}"}}),
            ),
        ),
        (
            "textMessage_undecryptable",
            incoming(
                json!({"typeMessage": "textMessage", "textMessageData": {"textMessage": "{{SWE003}}"}}),
            ),
        ),
        (
            "new_type",
            incoming(json!({"typeMessage": "hologramMessage", "hologramMessageData": {"x": 1}})),
        ),
        (
            "type_without_data",
            incoming(json!({"typeMessage": "locationMessage"})),
        ),
        (
            "incomingCall",
            json!({"typeWebhook": "incomingCall", "instanceData": {"idInstance": 1101000001}, "timestamp": 1700000000, "idMessage": "C1", "from": "79001234567@c.us", "status": "offer", "isVideo": true}),
        ),
        (
            "outgoingCall",
            json!({"typeWebhook": "outgoingCall", "timestamp": 1700000000, "idMessage": "C2", "from": "79990000000@c.us", "status": "pickUp", "isVideo": false, "duration": 3, "participants": [{"id": "79001234567@c.us", "status": "pickUp"}]}),
        ),
        (
            "outgoingMessageStatus",
            json!({"typeWebhook": "outgoingMessageStatus", "chatId": "120363000000000001@g.us", "timestamp": 1700000000, "idMessage": "S1", "status": "failed", "description": "SWE004: too many", "sendByApi": true}),
        ),
        (
            "stateInstanceChanged",
            json!({"typeWebhook": "stateInstanceChanged", "instanceData": {"idInstance": 1101000001, "wid": "79990000000@c.us"}, "timestamp": 1700000000, "stateInstance": "yellowCard"}),
        ),
        (
            "quotaExceeded",
            json!({"typeWebhook": "quotaExceeded", "quotaData": {"method": "correspondents", "used": 3, "total": 3, "status": "CORRESPONDENTS_QUOTA_EXCEEDED"}}),
        ),
        (
            "incomingBlock",
            json!({"typeWebhook": "incomingBlock", "timestamp": 1700000000, "chatId": "79001234567@c.us", "chatState": "blocked"}),
        ),
        (
            "deviceInfo",
            json!({"typeWebhook": "deviceInfo", "timestamp": 1700000000, "deviceData": {"platform": "iphone"}}),
        ),
        (
            "statusInstanceChanged",
            json!({"typeWebhook": "statusInstanceChanged", "timestamp": 1700000000, "statusInstance": "online"}),
        ),
    ];
    let mut group = incoming(
        json!({"typeMessage": "textMessage", "textMessageData": {"textMessage": "Hello all"}}),
    );
    group["senderData"] = json!({"chatId": "120363000000000001@g.us", "chatName": "Team", "sender": "155508384256028@lid", "senderName": "~Jane"});
    bodies.push(("textMessage_in_group_by_lid", group));
    let mut echo = incoming(
        json!({"typeMessage": "locationMessage", "locationMessageData": {"latitude": 1.5, "longitude": 2}}),
    );
    echo["typeWebhook"] = json!("outgoingAPIMessageReceived");
    bodies.push(("echo_of_location", echo));
    bodies
}
