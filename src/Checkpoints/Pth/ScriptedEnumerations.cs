using System.Globalization;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Pth;

/// <summary>
/// The enumerations in the code of a TorchScript archive. libtorch makes a member of its value; for a value that no member has it takes that off its stack and
/// puts nothing there, so that what comes next is another key or another tensor. Source: Unpickler::readGlobal in
/// torch/csrc/jit/serialization/unpickler.cpp, and SourceImporterImpl::importEnum in import_source.cpp of PyTorch 2.6.
/// </summary>
internal sealed class ScriptedEnumerations
{
    private const int BytesPerEnumeration = 400;
    private const int BytesPerMember = 60;

    private const int Plain = -2;

    private static ReadOnlySpan<byte> Escaped => "\\'\"abfntv"u8;

    private static ReadOnlySpan<byte> Meant => "\\'\"\a\b\f\n\t\v"u8;

    private readonly Dictionary<string, HashSet<string>> _members = [];

    // PyTorch finds a record in any case.
    private readonly HashSet<string> _inAnyCase = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds an enumeration; false where there is one of that name already.</summary>
    public bool TryAdd(string name, Ledger ledger)
    {
        ledger.Charge(MemorySize.OfText(name.Length) + BytesPerEnumeration);
        _inAnyCase.Add(name);
        return _members.TryAdd(name, []);
    }

    /// <summary>Adds a member as PyTorch prints it, <c>  NAME = VALUE</c>; false where the line is none.</summary>
    public bool TryAddMember(string name, ReadOnlySpan<byte> line, Ledger ledger)
    {
        ledger.Work(Ledger.StepsPerLook + line.Length / 2);
        if (!line.StartsWith("  "u8) || line.IndexOf(" = "u8) is not (> 2 and var end) || !ScriptedCode.IsName(line[2..end])) return false;
        if (KeyOf(line[(end + 3)..]) is not { } key) return false;
        ledger.Charge(MemorySize.OfText(key.Length) + BytesPerMember);
        return _members[name].Add(key);
    }

    /// <summary>What the pickles make that libtorch makes something else of; null where it is nothing.</summary>
    public string? ProblemOf(ScriptedUses uses)
    {
        foreach (var (type, values) in uses.Members)
        {
            if (!_members.TryGetValue(type, out var known) || !values.IsSubsetOf(known))
                return $"has a member of {PrintableText.Shorten(type, 60)} by a value that its code does not have";
        }

        if (_members.Count == 0) return null;
        // By another spelling it may be an enumeration as well.
        return uses.Objects.FirstOrDefault(type => _inAnyCase.Contains(type) || !ScriptedName.IsExact(type)) is { } found
            ? $"makes an object of {PrintableText.Shorten(found, 60)}, which may be an enumeration"
            : null;
    }

    // Of what printQuotedString escapes, in c10/util/StringUtil.h, that which parseStringLiteral makes the same of: not a carriage return, nor what is octal, which it looks for at
    // another place where an escape stands before. Null where the text is of another kind.
    private static byte[]? Unquoted(ReadOnlySpan<byte> text)
    {
        var unquoted = new byte[text.Length];
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"') return null;
            var found = text[i] == '\\' ? i + 1 < text.Length ? Escaped.IndexOf(text[++i]) : -1 : Plain;
            if (found == -1) return null;
            unquoted[count++] = found == Plain ? text[i] : Meant[found];
        }

        return unquoted[..count];
    }

    // As libtorch reads it: a text, an integer, or a number with a point; a minus before one is a part of it.
    private static string? KeyOf(ReadOnlySpan<byte> printed)
    {
        const NumberStyles Integer = NumberStyles.AllowLeadingSign, Real = Integer | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (printed is [(byte)'"', .. var text, (byte)'"'])
            return Unquoted(text) is { } bytes && PythonText.TryDecode(bytes, out var decoded) ? ScriptedUses.KeyOf(decoded) : null;
        var digits = printed is [(byte)'-', .. var rest] ? rest : printed;
        if (digits is not [>= (byte)'0' and <= (byte)'9', ..]) return null;
        if (long.TryParse(printed, Integer, CultureInfo.InvariantCulture, out var integer)) return digits is [(byte)'0', _, ..] ? null : ScriptedUses.KeyOf(integer);
        if (digits.IndexOfAny((byte)'.', (byte)'e') < 0) return null;
        return double.TryParse(printed, Real, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real) ? ScriptedUses.KeyOf(real) : null;
    }
}
