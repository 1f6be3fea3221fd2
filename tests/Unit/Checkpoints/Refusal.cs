using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

/// <summary>Opens what must be refused, and holds the error against the rules for all errors: a kind, one line, the file's name first.</summary>
internal static class Refusal
{
    public static void Of(ReadOnlySpan<byte> bytes, CheckpointError error, params ReadOnlySpan<string> says)
    {
        using var folder = new TemporaryFolder();
        Of(folder.Write("file.bin", bytes), error, says);
    }

    public static void Of(string path, CheckpointError error, params ReadOnlySpan<string> says)
    {
        var refusal = FluentActions.Invoking(() => Checkpoint.Open(path)).Should().Throw<CheckpointException>().Which;
        refusal.Error.Should().Be(error, refusal.Message);
        refusal.Message.Should().StartWith(path).And.NotContainAny("\n", "\r");
        foreach (var words in says) refusal.Message.Should().Contain(words);
    }
}
