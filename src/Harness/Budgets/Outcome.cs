using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;
using Loadline.Measuring;

namespace Loadline.Harness.Budgets;

/// <summary>What became of a case. The first five can be expected; the others are never what anyone wants.</summary>
[JsonConverter(typeof(OutcomeConverter))]
internal enum Outcome
{
    /// <summary>The weights are in place.</summary>
    Loaded,

    /// <summary>The weights are in place, but using them reads more of them from the disk again than the case allows.</summary>
    Thrashed,

    /// <summary>The kernel killed it for memory.</summary>
    Killed,

    /// <summary>The device was full; the host was not.</summary>
    DeviceOom,

    /// <summary>The checkpoint or the arguments were refused.</summary>
    Refused,

    /// <summary>Loaded, but the weights are not those of the file.</summary>
    VerificationFailed,

    /// <summary>The timeout ended it.</summary>
    Timeout,

    /// <summary>It ended in a way that says nothing about memory.</summary>
    Error,
}

/// <summary>The names of outcomes, as files and tables print them.</summary>
internal static class Outcomes
{
    /// <summary>What a budget may expect.</summary>
    public static IReadOnlyList<Outcome> Expectable { get; } = [Outcome.Loaded, Outcome.Thrashed, Outcome.Killed, Outcome.DeviceOom, Outcome.Refused];

    /// <summary>Whether the load came to its end with its weights in place, however slow they are to use.</summary>
    public static bool Lives(this Outcome outcome) => outcome is Outcome.Loaded or Outcome.Thrashed;

    /// <summary>What a command ends with whose one load came to this.</summary>
    public static int ExitCode(this Outcome outcome) => outcome switch
    {
        Outcome.Loaded or Outcome.Thrashed => ExitCodes.Loaded,
        Outcome.Killed => ExitCodes.Killed,
        Outcome.DeviceOom => ExitCodes.DeviceOutOfMemory,
        Outcome.Refused => ExitCodes.Refused,
        Outcome.VerificationFailed => ExitCodes.VerificationFailed,
        _ => ExitCodes.Infrastructure,
    };

    /// <summary>The name, as in <c>device-oom</c>.</summary>
    public static string Name(this Outcome outcome) => JsonNamingPolicy.KebabCaseLower.ConvertName(outcome.ToString());
}

/// <summary>Writes outcomes by <see cref="Outcomes.Name"/>, and reads those names alone: .NET's own converter takes lists of them as well, and any case.</summary>
internal sealed class OutcomeConverter : JsonConverter<Outcome>
{
    private static readonly FrozenDictionary<string, Outcome> ByName = Enum.GetValues<Outcome>().ToFrozenDictionary(outcome => outcome.Name());

    /// <inheritdoc/>
    public override Outcome Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && ByName.TryGetValue(reader.GetString()!, out var outcome) ? outcome : throw new JsonException("it is no outcome that is known");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Outcome value, JsonSerializerOptions options) => writer.WriteStringValue(value.Name());
}
