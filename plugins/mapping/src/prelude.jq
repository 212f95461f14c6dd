# Filters of jq that jaq lacks, or has in a way that depends on the machine, loses data or fails where jq does not.

def tonumber:
  if isnumber then . else
    (try fromjson catch null) | if isnumber then . else error("cannot parse as number") end
  end;

# Arrays and objects
def toarray: if isarray then . else [.] end;
def IN(s): any(s == .; .);
def IN(source; s): any(source == s; .);
def INDEX(source; f): reduce source as $row ({}; .[$row | f | tostring] = $row);
def INDEX(f): INDEX(.[]; f);
def leaf_paths: paths(scalars);
def from_entries: reduce .[] as $entry ({}; . + {
  ($entry | first(.key, .k, .name, .Name, .Key, .K, null | values) | if isstring then . else tojson end):
  ($entry | if has("value") then .value elif has("v") then .v else .Value end)
});
def with_entries(f): to_entries | map(f) | from_entries;

# Strings
def ltrimstr($text): if isstring and ($text | isstring) then jaq_ltrimstr($text) else . end;
def rtrimstr($text): if isstring and ($text | isstring) then jaq_rtrimstr($text) else . end;
def trimstr($text): ltrimstr($text) | rtrimstr($text);

# Dates, within what a date can be: beyond, jaq would calculate something else.
def in_range:
  if isnumber and (. < -377705023201 or . > 253402207200) then error("the time is out of range") else . end;
def todateiso8601: in_range | jaq_todateiso8601;
def todate: todateiso8601;
def date: todate;
def gmtime: in_range | jaq_gmtime;
def strftime($format): in_range | jaq_strftime($format);
def strptime($format):
  if $format | test("%[^A-Za-z%]*Q") then error("`%Q` is not available: time zones differ between machines")
  else jaq_strptime($format) end;

# Formats
def row: if isarray then .[] else error("@csv and @tsv take an array") end
  | if isarray or isobject then error("@csv and @tsv take strings, numbers, booleans and nulls") else . end;
def @csv: [row | if isstring then "\"" + gsub("\""; "\"\"") + "\"" else . end] | join(",");
def @tsv: [row | if isstring then
    gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n") | gsub("\r"; "\\r")
  else . end] | join("\t");
def @xml: if isarray or isobject then error("@xml takes strings, numbers, booleans and nulls") else @text end
  | if explode | any(. < 32 and . != 9 and . != 10 and . != 13 or . == 65534 or . == 65535)
    then error("@xml: XML has no such character") else @html | gsub("\r"; "&#13;") end;
