using System.Text.Encodings.Web;
using System.Text.Json;
using Loadline.Checkpoints;

namespace Loadline.Measuring;

/// <summary>A stranger's text as it is shown and kept.</summary>
internal static class KeptText
{
    /// <summary>Fit to be shown, and no longer than so many characters: escaped it is six times as long.</summary>
    public static string Of(string text, int mostCharacters) =>
        PrintableText.Shorten(PrintableText.Escape(PrintableText.Shorten(text, mostCharacters)), mostCharacters);

    /// <summary>No text in JSON is longer: Kubernetes allows 256 KiB for an annotation.</summary>
    public const int MostBytes = 512 << 10;

    /// <summary>The text, if it is read again where it is written.</summary>
    /// <exception cref="JsonException">It has become too long where it was escaped.</exception>
    public static string Bounded(string text)
    {
        // Most texts are short: no character takes more.
        const int MostOfCharacter = 6;
        if (text.Length <= MostBytes / MostOfCharacter) return text;
        var bytes = JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.Length;
        return bytes <= MostBytes ? text : throw new JsonException($"a text has {ByteSize.Format(bytes)} where its characters are escaped, more than {ByteSize.Format(MostBytes)}");
    }
}
