/*
 * streams.cpp - the parts of streams that are called through tables of virtual functions: compiled with the program's
 * instrumentation, they take the place of those in the library. So do two functions for strings.
 */
#include <iomanip>
#include <ios>
#include <istream>
#include <locale>
#include <ostream>
#include <sstream>
#include <streambuf>

namespace std {

template class num_put<char>;
template class num_get<char>;
template class basic_streambuf<char>;
template class basic_ios<char>;
template class basic_ostream<char>;
template class basic_istream<char>;
template class basic_iostream<char>;
template class basic_stringbuf<char>;
template class basic_ostringstream<char>;
template class basic_istringstream<char>;
template class basic_stringstream<char>;

using traits = char_traits<char>;

static bool is_end(int character)
{
    return traits::eq_int_type(character, traits::eof());
}

/* Reads a word [string.io]. */
template <> basic_istream<char> &operator>>(basic_istream<char> &in, basic_string<char> &text)
{
    ios_base::iostate state = ios_base::goodbit;
    size_t count = 0;
    istream::sentry ready(in, false);
    if (ready) {
        const ctype<char> &kinds = use_facet<ctype<char>>(in.getloc());
        const size_t most = in.width() > 0 ? static_cast<size_t>(in.width()) : text.max_size();
        text.erase();
        int next = in.rdbuf()->sgetc();
        for (; count < most && !is_end(next) && !kinds.is(ctype_base::space, traits::to_char_type(next)); ++count) {
            text.push_back(traits::to_char_type(next));
            next = in.rdbuf()->snextc();
        }
        state |= count < most && is_end(next) ? ios_base::eofbit : ios_base::goodbit;
        in.width(0);
    }
    in.setstate(count == 0 ? state | ios_base::failbit : state);
    return in;
}

/* Reads a line, without what ends it [string.io]. */
template <> basic_istream<char> &getline(basic_istream<char> &in, basic_string<char> &text, char end)
{
    ios_base::iostate state = ios_base::failbit;
    istream::sentry ready(in, true);
    if (ready) {
        text.erase();
        for (int next = in.rdbuf()->sgetc(); text.size() < text.max_size(); next = in.rdbuf()->snextc()) {
            if (is_end(next)) {
                state = text.empty() ? ios_base::failbit | ios_base::eofbit : ios_base::eofbit;
                break;
            }
            if (traits::to_char_type(next) == end) {
                in.rdbuf()->sbumpc();
                state = ios_base::goodbit;
                break;
            }
            text.push_back(traits::to_char_type(next));
        }
    }
    in.setstate(state);
    return in;
}

} // namespace std
