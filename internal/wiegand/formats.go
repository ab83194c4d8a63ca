// SPDX-License-Identifier: Apache-2.0

package wiegand

// Formats are the usual formats, shortest first.
//
//   - H10301: 26 bits, the open format that nearly every reader sends.
//   - H10306: 34 bits, as H10301 with two bytes of facility code.
//   - C1000-35: 35 bits, Corporate 1000; its three parities look at pairs of
//     places and at each other.
//   - H10302 and H10304: 37 bits, without and with a facility code.
//   - C1000-48: 48 bits, the longer Corporate 1000.
func Formats() []Format {
	return []Format{
		{Name: "H10301", Bits: 26, Facility: Span{2, 9}, Number: Span{10, 25}, Parities: []Parity{
			{At: 1, Span: []Span{{2, 13}}},
			{At: 26, Odd: true, Span: []Span{{14, 25}}},
		}},
		{Name: "H10306", Bits: 34, Facility: Span{2, 17}, Number: Span{18, 33}, Parities: []Parity{
			{At: 1, Span: []Span{{2, 17}}},
			{At: 34, Odd: true, Span: []Span{{18, 33}}},
		}},
		{Name: "C1000-35", Bits: 35, Facility: Span{3, 14}, Number: Span{15, 34}, Parities: []Parity{
			{At: 2, Over: pairs(3, 34)},
			{At: 35, Odd: true, Over: pairs(2, 33)},
			{At: 1, Odd: true, Span: []Span{{2, 35}}},
		}},
		{Name: "H10302", Bits: 37, Number: Span{2, 36}, Parities: []Parity{
			{At: 1, Span: []Span{{2, 19}}},
			{At: 37, Odd: true, Span: []Span{{19, 36}}},
		}},
		{Name: "H10304", Bits: 37, Facility: Span{2, 17}, Number: Span{18, 36}, Parities: []Parity{
			{At: 1, Span: []Span{{2, 19}}},
			{At: 37, Odd: true, Span: []Span{{19, 36}}},
		}},
		{Name: "C1000-48", Bits: 48, Facility: Span{3, 24}, Number: Span{25, 47}, Parities: []Parity{
			{At: 2, Over: pairs(4, 47)},
			{At: 48, Odd: true, Over: pairs(3, 46)},
			{At: 1, Odd: true, Span: []Span{{2, 48}}},
		}},
	}
}

// pairs are the first two of every three places from first to last.
func pairs(first, last int) (places []int) {
	for place := first; place <= last; place += 3 {
		places = append(places, place, place+1)
	}
	return places
}
