using System.Text.Json;

namespace Loadline.Checkpoints.Json;

/// <summary>What is wrong with JSON, in words for people.</summary>
internal static class JsonProblem
{
    /// <summary>"line 1, column 7: '}' is an invalid start of a value", or the words alone where they are ours, which say more than a place.</summary>
    public static string Of(Exception e) => e is JsonException { LineNumber: { } line, BytePositionInLine: { } column }
        ? $"line {line + 1}, column {column + 1}: {Words(e.Message)}"
        : Words(e.Message);

    /// <summary>
    /// The framework's words without what it says to programmers: they go on with a count of lines and bytes of its own, which starts at 0, and with advice on
    /// the reader's options.
    /// </summary>
    public static string Words(string message) =>
        message.Split(" LineNumber:")[0].Split(" Path:")[0].Split(" Change the reader options")[0].Replace(" in this mode", "", StringComparison.Ordinal).ReplaceLineEndings(" ").TrimEnd('.');
}
