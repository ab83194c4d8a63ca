package estate
import ("testing";"strings";"time";"fmt")
func TestZZ(t *testing.T){
 for name,s := range map[string]string{
  "flow100k": "sites: "+strings.Repeat("[",20000),
  "map": "sites: "+strings.Repeat("{a: ",20000),
  "seq": strings.Repeat("- ",20000),
  "anchor": "roles: &a []\npeople: *a\n",
  "merge": "roles:\n - &a {slug: x, name: y}\n - <<: *a\n",
  "num": "roles:\n - {slug: 007, name: 1e3}\n",
  "nul": "roles:\n - {slug: ~, name: null}\n",
  "tag": "roles: !!binary aGk=\n",
  "tag2": "roles:\n - {slug: !!int 5, name: !!str}\n",
  "unknown": "roles:\n - slug: a\n   name: b\n   nmae: c\n",
  "type": "roles: 5\n",
  "type2": "people:\n - slug: a\n   name: b\n   suspended: maybe\n",
  "second": "roles: []\n---\nroles: []\n",
  "dup": "roles: []\nroles: []\n",
  "scalar": "hello",
  "list": "- a\n- b\n",
  "cr": "roles:\r\n - slug: a\r\n   name: b\r\n",
  "tab": "roles:\n\t- slug: a\n",
  "bom": "\ufeffroles: []\n",
  "many": "roles:\n"+strings.Repeat(" - {slug: a, name: b}\n",20000),
  "many2": "roles:\n"+strings.Repeat(" - slug: a\n   name: b\n",20000),
  "emptydoc": "---\n---\n",
  "docend": "roles: []\n...\n",
  "comment": "# hi\n",
  "bin":"\x00\x01\xff",
  "utf16":"\xff\xfer\x00",
 }{
  st:=time.Now(); f,err:=Parse([]byte(s)); 
  e:=fmt.Sprint(err); if len(e)>300 {e=e[:300]}
  fmt.Printf("%-9s %8s %.100q err=%s\n",name,time.Since(st).Round(time.Millisecond),fmt.Sprint(f.Roles),e)
 }
}
