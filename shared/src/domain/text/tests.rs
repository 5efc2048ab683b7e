use super::*;

fn input<'a>(content: &'a Content, chat: &'a Alias, author: &'a Author) -> TextInput<'a> {
    TextInput {
        content,
        quoted: None,
        direction: Direction::In,
        chat,
        author,
        phone: None,
    }
}

fn alias(id: &str) -> Alias {
    Alias::parse(id).expect("an id")
}
