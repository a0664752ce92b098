//! Whether the first row of a table names its columns.
//!
//! A row mistaken for a header is lost; a header mistaken for a row becomes a document, which does less harm. So there
//! must be a sign that the row names columns, and any sign of data counts against it.

use std::collections::HashSet;

/// Column names with a meaning elsewhere in this crate, or that hardly occur as values. One of them is enough.
const KNOWN: &[&str] = &["_id", "id", "title", "text", "body", "content", "name", "url", "date"];

/// Other common names of columns. Two of them are enough.
const COMMON: &[&str] = &[
    "address",
    "age",
    "amount",
    "answer",
    "artist",
    "author",
    "category",
    "city",
    "code",
    "comment",
    "company",
    "count",
    "country",
    "currency",
    "department",
    "description",
    "email",
    "end",
    "first name",
    "gender",
    "group",
    "key",
    "label",
    "language",
    "last name",
    "latitude",
    "link",
    "location",
    "longitude",
    "model",
    "month",
    "note",
    "notes",
    "number",
    "phone",
    "price",
    "product",
    "quantity",
    "question",
    "rating",
    "region",
    "role",
    "source",
    "start",
    "state",
    "status",
    "surname",
    "tag",
    "tags",
    "time",
    "timestamp",
    "topic",
    "total",
    "type",
    "unit",
    "user",
    "username",
    "value",
    "version",
    "year",
    "zip",
];

/// As [`KNOWN`], in scripts that have no capitals by which a name would differ from values.
#[rustfmt::skip]
const KNOWN_ELSEWHERE: &[&str] = &[
    "姓名", "名称", "名稱", "标题", "標題", "内容", "內容", "日期", "编号", "編號", "网址", "網址", "序号", "序號",
    "名前", "氏名", "タイトル", "本文", "日付", "番号", "이름", "성명", "제목", "내용", "본문", "날짜", "번호",
];

/// As [`COMMON`], in the same scripts.
#[rustfmt::skip]
const COMMON_ELSEWHERE: &[&str] = &[
    "地址", "年龄", "年齡", "性别", "性別", "电话", "電話", "手机", "邮箱", "城市", "国家", "國家", "地区", "地區", "省份", "公司",
    "部门", "部門", "职位", "職位", "产品", "產品", "商品", "价格", "價格", "单价", "數量", "数量", "金额", "金額", "总计", "單位",
    "单位", "状态", "狀態", "类型", "類型", "类别", "類別", "分类", "分類", "说明", "說明", "描述", "备注", "備註", "作者", "来源",
    "來源", "时间", "時間", "年份", "语言", "語言", "问题", "問題", "答案", "评论", "評論", "标签", "標籤", "代码", "品牌",
    "住所", "年齢", "電話番号", "メール", "都市", "国", "国名", "都道府県", "会社", "会社名", "部署", "役職", "商品名", "製品", "価格",
    "単価", "合計", "単位", "状態", "種類", "カテゴリ", "カテゴリー", "説明", "備考", "著者", "日時", "年", "月", "言語", "質問",
    "回答", "コメント", "タグ", "コード", "주소", "나이", "성별", "전화", "전화번호", "이메일", "도시", "국가", "지역", "회사",
    "부서", "직위", "제품", "상품", "상품명", "가격", "수량", "금액", "합계", "단위", "상태", "종류", "분류", "설명", "비고",
    "저자", "시간", "연도", "언어", "질문", "답변", "댓글", "태그", "코드",
];

/// What stands for a missing value.
const MISSING: &[&str] = &["n/a", "na", "nan", "null", "none", "nil", "-", "--", "?", "#n/a"];

/// Whether `first` is a header of the rows that follow.
pub(crate) fn is_header(first: &[String], rows: &[&[String]]) -> bool {
    let cells: Vec<&str> = first.iter().map(|cell| cell.trim()).collect();
    // Tables that were appended to each other repeat the header.
    let rows: Vec<&[String]> = rows.iter().copied().filter(|row| *row != first).collect();
    let recurs = recurs(&cells, &rows);
    let is_known = |cell: &&str| is_in(KNOWN, cell) || KNOWN_ELSEWHERE.contains(cell);
    if !recurs && cells.iter().any(is_known) {
        return true;
    }
    let mut seen = HashSet::new();
    let repeated = cells.iter().any(|cell| !cell.is_empty() && !seen.insert(*cell));
    // `country,2019,2020` is a header with years.
    let numbers: Vec<i64> = cells.iter().filter_map(|cell| cell.parse().ok()).collect();
    let has_series = numbers.len() > 1
        && numbers.windows(2).all(|pair| pair[1].checked_sub(1) == Some(pair[0]))
        && cells.iter().any(|cell| !cell.is_empty() && !is_data(cell));
    let has_data =
        cells.iter().any(|cell| is_data(cell) && !(has_series && cell.parse::<i64>().is_ok()));
    if recurs || repeated || has_data {
        return false;
    }
    let is_common = |cell: &&&str| is_in(COMMON, cell) || COMMON_ELSEWHERE.contains(*cell);
    let common = cells.iter().filter(is_common).count();
    has_series || common > 1 || differs(&cells, &rows)
}

fn is_in(names: &[&str], cell: &str) -> bool {
    let cell = cell.trim_start_matches('#').trim().to_lowercase();
    names.contains(&cell.replace('_', " ").as_str()) || names.contains(&cell.as_str())
}

/// Numbers, dates, addresses, missing values: nothing that names a column.
fn is_data(cell: &str) -> bool {
    let is_number = cell.parse::<f64>().is_ok_and(f64::is_finite);
    let has_digit = cell.bytes().any(|byte| byte.is_ascii_digit());
    let figures =
        has_digit && cell.chars().all(|c| c.is_ascii_digit() || "-/:., +%$€£TZ".contains(c));
    let address =
        cell.contains("://") || (cell.contains('@') && cell.contains('.') && !cell.contains(' '));
    is_number || figures || address || MISSING.contains(&cell.to_lowercase().as_str())
}

/// Whether a cell recurs in its own column, as values do and names do not.
fn recurs(cells: &[&str], rows: &[&[String]]) -> bool {
    cells.iter().enumerate().any(|(column, cell)| {
        !cell.is_empty()
            && rows.iter().any(|row| row.get(column).is_some_and(|other| other.trim() == *cell))
    })
}

/// Whether a column of numbers or dates begins with words, or most columns begin with something that is written
/// otherwise than everything below it.
fn differs(cells: &[&str], rows: &[&[String]]) -> bool {
    let (mut columns, mut different) = (0, 0);
    for (column, cell) in cells.iter().enumerate() {
        let values = rows.iter().filter_map(|row| row.get(column)).map(|value| value.trim());
        let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
        if values.is_empty() {
            continue;
        }
        let data = values.iter().filter(|value| is_data(value)).count();
        if !cell.is_empty() && !is_data(cell) && data * 5 >= values.len() * 4 {
            return true;
        }
        columns += 1;
        let shape = Shape::of(cell);
        different += usize::from(values.iter().all(|value| Shape::of(value) != shape));
    }
    columns > 1 && different * 2 > columns
}

/// How a cell is written.
#[derive(PartialEq, Eq)]
enum Shape {
    Lower,
    Upper,
    Title,
    Identifier,
    Long,
    Data,
    Other,
}

impl Shape {
    fn of(cell: &str) -> Self {
        let has_lower = cell.chars().any(char::is_lowercase);
        let has_upper = cell.chars().any(char::is_uppercase);
        match cell {
            "" => Self::Other,
            cell if is_data(cell) => Self::Data,
            cell if cell.len() > 80 || cell.split_whitespace().count() > 8 => Self::Long,
            cell if cell.contains('_') && !cell.contains(' ') => Self::Identifier,
            cell if cell.starts_with(char::is_uppercase) && has_lower => Self::Title,
            _ if has_lower && !has_upper => Self::Lower,
            _ if has_upper && !has_lower => Self::Upper,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headed(table: &[&str]) -> bool {
        let cells = |row: &&str| row.split(',').map(str::to_owned).collect();
        let rows: Vec<Vec<String>> = table.iter().map(cells).collect();
        let rows: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
        is_header(rows[0], &rows[1..])
    }

    #[test]
    fn names_make_a_header_and_values_do_not() {
        for header in ["name,breed", "id,2", "country,2019,2020", ",a,b", "Größe,Farbe", "#id,x"]
        {
            assert!(headed(&[header, "x,1,2"]), "{header}");
        }
        for row in [
            "anna,42,Lisbon",
            "a,b,a",
            "2024-05-31,rain",
            "a,x@y.org",
            "1,2,3",
            "3.5,4.5",
            "a,5",
            "a,n/a",
        ] {
            assert!(!headed(&[row, "x,1,2"]), "{row}");
        }
    }

    #[test]
    fn a_value_that_recurs_in_its_column_is_not_a_name() {
        assert!(!headed(&["anna,red", "bob,blue", "eve,red"]));
        assert!(!headed(&["title,Mr", "name,Ms", "title,Dr"]));
        assert!(headed(&["id,word", "1,one", "id,word", "2,two"]));
    }

    #[test]
    fn words_above_words_are_a_header_only_with_a_sign_of_it() {
        assert!(!headed(&["anna,lisbon", "bob,porto", "eve,faro"]));
        assert!(!headed(&["Anna,Lisbon", "Bob,Porto"]));
        assert!(!headed(&["anna,Lisbon", "Bob,Porto", "Eve,Faro"]));
        assert!(!headed(&["anna,lisbon"]));
        assert!(!headed(&["apple", "pear", "plum"]));
        assert!(headed(&["dog,owner", "Rex,Anna", "Bello,Bob"]));
        assert!(headed(&["City,Country", "Lisbon,Portugal", "Paris,France"]));
        assert!(headed(&["first_word,last_word", "anna,x", "bob,y"]));
        assert!(headed(&["姓名,城市", "李雷,北京", "韩梅梅,上海"]));
        assert!(headed(&["都市,国", "東京,日本", "パリ,フランス"]));
        assert!(headed(&["도시,국가", "서울,한국", "파리,프랑스"]));
        assert!(!headed(&["李雷,北京", "韩梅梅,上海"]));
    }
}
