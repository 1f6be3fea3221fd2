using Loadline.Harness.Output;
using Loadline.Unit.Harness.Hostile;

namespace Loadline.Unit.Harness.Output;

/// <summary>What a stranger wrote commands no runner of GitHub Actions.</summary>
public sealed class WorkflowLogTests
{
    [Theory]
    [InlineData("::error::forged", "\\u003a:error::forged")]
    [InlineData(" \t\u00a0::error::forged\na::b\n::c", " \t\u00a0\\u003a:error::forged\na::b\n\\u003a:c")]
    [InlineData("a ##[error]b ###[x] #[y] ## [z]", "a ##\\u005berror]b ###\\u005bx] #[y] ## [z]")]
    [InlineData("{\"a\": \"##[\"}", "{\"a\": \"##\\u005b\"}")]
    public void No_line_is_a_command_however_it_is_written(string text, string shown)
    {
        using var whole = new StringWriter();
        using var pieces = new StringWriter();
        new WorkflowLog(whole).WriteLine(text);
        var log = new WorkflowLog(pieces);
        foreach (var c in text) log.Write(c);

        whole.ToString().Should().Be(shown + "\n");
        pieces.ToString().Should().Be(shown);
        WorkflowLog.Escape(text).Should().Be(shown);
    }

    [Fact]
    public void A_character_of_two_halves_is_one_wherever_it_stands()
    {
        for (var before = 0; before < 40; before++)
        {
            // As standard output: what comes in pieces is encoded in pieces.
            using var bytes = new MemoryStream();
            using var inner = new StreamWriter(bytes, new System.Text.UTF8Encoding(false)) { AutoFlush = true };
            var text = new string('x', before) + "😀";
            new WorkflowLog(new Pieces(inner)).WriteLine(text);

            System.Text.Encoding.UTF8.GetString(bytes.ToArray()).Should().Be(text + "\n");
        }
    }

    [Fact]
    public async Task Names_and_notes_of_a_stranger_command_no_runner()
    {
        using var folder = new TemporaryFolder();
        var header = """{"::error::forged":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a ##[error]b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}  """;
        var path = folder.Write("m.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. System.Text.Encoding.UTF8.GetBytes(header), 1, 2]);
        Measured.File(Measured.Loaded()).Write(folder["results.json"]);
        var results = File.ReadAllText(folder["results.json"]);
        File.WriteAllText(folder["results.json"], results.Replace("\"cases\":", "\"notes\": [\"::stop-commands::x\", \"##[add-mask]e\"], \"cases\":"));

        var inspected = await LoadlineProcess.RunInStepAsync("inspect", path);
        var reported = await LoadlineProcess.RunInStepAsync("report", folder["results.json"]);
        var refused = await LoadlineProcess.RunInStepAsync("inspect", folder["##[error]forged"]);

        (inspected.ExitCode, reported.ExitCode, refused.ExitCode).Should().Be((0, 0, 2));
        inspected.Out.Should().Contain("##\\u005berror]b");
        reported.Out.Should().Contain("\\u003a:stop-commands::x");
        refused.Error.Should().Contain("##\\u005berror]forged");
        (inspected.Out + reported.Out + refused.Error).Should().NotContain("##[").And.NotMatchRegex(@"(?m)^\s*::");
    }

    private sealed class Pieces(StreamWriter inner) : TextWriter
    {
        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        public override void Write(char value) => inner.BaseStream.Write(Encoding.GetBytes([value]));

        public override void Write(string? value) => inner.BaseStream.Write(Encoding.GetBytes(value!));

        public override void Write(ReadOnlySpan<char> buffer) => inner.BaseStream.Write(Encoding.GetBytes(buffer.ToArray()));
    }
}
