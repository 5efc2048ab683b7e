use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
const PDF: &[u8] = b"%PDF-1.7\n";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
const PAGE: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
const XML_SVG: &[u8] = b"<?xml version=\"1.0\"?><svg onload=\"alert(1)\"/>";
const OLD_OFFICE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

fn voice() -> Vec<u8> {
    let mut page = b"OggS\0\x02".to_vec();
    page.resize(28, 0);
    page.extend_from_slice(b"OpusHead\x01\x01");
    page
}

// AC 51, 75
#[test]
fn a_name_gets_the_ending_that_its_content_has() {
    let check = |head: &[u8], name: &str, mime: &str, kind, expect: &str| {
        assert_eq!(sniff(head, name, mime, kind).name, expect, "{name}");
    };
    use FileKind::{Audio, Document, Image, Sticker, Video};
    check(PNG, "cat.png", "", Image, "cat.png");
    check(PNG, "cat.PNG", "", Image, "cat.PNG");
    check(JPEG, "cat.jpeg", "", Image, "cat.jpeg");
    check(JPEG, "cat.png", "image/png", Image, "cat.png.jpg");
    check(JPEG, "", "", Image, "image.jpg");
    check(PNG, "", "", Sticker, "sticker.png");
    check(MP4, "a.MOV", "", Video, "a.MOV");
    check(MP4, "film", "", Video, "film.mp4");
    check(PDF, "invoice", "", Document, "invoice.pdf");
    check(PDF, "report.exe", "", Document, "report.exe.pdf");
    check(ZIP, "letter.docx", "", Document, "letter.docx");
    check(ZIP, "letter", "", Document, "letter.zip");
    check(OLD_OFFICE, "old.doc", "", Document, "old.doc");
    check(OLD_OFFICE, "old", "application/msword", Document, "old.doc");
    check(b"a;b", "t.csv", "", Document, "t.csv");
    check(
        b"hello",
        "note",
        "text/plain; charset=utf-8",
        Document,
        "note.txt",
    );
    check(
        b"hello",
        "v1.final version",
        "",
        Document,
        "v1.final version.bin",
    );
    check(b"hello", "", "", Document, "document.bin");
    check(PAGE, "x.html", "", Document, "x.html");
    // Voice notes are such by their ending.
    let voice = voice();
    check(&voice, "", "", Audio, "audio.ogg");
    check(&voice, "ptt.oga", "", Audio, "ptt.ogg");
    check(&voice, "ptt.opus", "", Audio, "ptt.ogg");
    check(&voice, "ptt.ogg", "", Audio, "ptt.ogg");
    check(&voice, "ptt.mp3", "", Audio, "ptt.mp3.ogg");
}

#[test]
fn only_what_holds_no_script_is_shown_by_a_browser() {
    let check = |head: &[u8], name: &str, mime: &str, expect: (&str, bool)| {
        let found = sniff(head, name, mime, FileKind::Document);
        assert_eq!((found.mime.as_str(), found.is_inline), expect, "{name}");
    };
    check(PNG, "a.png", "", ("image/png", true));
    check(JPEG, "a.html", "text/html", ("image/jpeg", true));
    check(MP4, "a.mp4", "", ("video/mp4", true));
    check(PDF, "a.pdf", "", ("application/pdf", true));
    check(&voice(), "a.ogg", "", ("audio/ogg", true));
    check(ZIP, "a.zip", "", ("application/zip", false));
    // Stored scripts: whatever is said of them, they are saved and not shown.
    for (head, name) in [
        (PAGE, "a.html"),
        (PAGE, "a.png"),
        (SVG, "a.svg"),
        (XML_SVG, "a.svg"),
        (XML_SVG, "a.xhtml"),
        (b"<xsl:stylesheet/>", "a.xsl"),
        (b"alert(1)", "a.js"),
        (b"", "a.png"),
    ] {
        for said in ["", "image/png", "image/svg+xml", "text/html"] {
            check(head, name, said, ("application/octet-stream", false));
        }
    }
    check(PAGE, "a.txt", "", ("text/plain; charset=utf-8", false));
}

#[test]
fn a_name_is_a_name_only() {
    let check = |name: &str, expect: &str| assert_eq!(clean_name(name), expect, "{name:?}");
    check("../../etc/passwd", "passwd");
    check("C:\\Windows\\a.exe", "a.exe");
    check("a\0b\r\nc.png", "abc.png");
    check("photo\u{202e}gpj.exe", "photogpj.exe");
    check("\u{feff}a\u{200b}.png ", "a.png");
    check("...", "");
    check(".htaccess", "htaccess");
    check("счёт №1.pdf", "счёт №1.pdf");
    check("😀.png", "😀.png");
    let long = format!("{}.png", "x".repeat(500));
    let short = clean_name(&long);
    assert_eq!(short.chars().count(), MAX_NAME);
    assert!(short.ends_with("x.png"));
}

#[test]
fn a_page_in_place_of_a_file_is_seen() {
    assert!(is_page(PAGE));
    assert!(is_page(b"\n  <HTML><body>expired"));
    assert!(!is_page(PNG) && !is_page(b"") && !is_page(b"hello"));
}
