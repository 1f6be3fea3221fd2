using Loadline.Checkpoints;
using Loadline.Harness.Output;
using Spectre.Console;

namespace Loadline.Unit.Harness.Output;

/// <summary>What a name, a file or a program could put on somebody's terminal arrives there as text that is seen.</summary>
public sealed class PrintableOutputTests
{
    private const string Steering = "\u001b]0;pwned\u0007\u001b[2J\u202e";
    private const string Shown = "\\u001b]0;pwned\\u0007\\u001b[2J\\u202e";

    [Fact]
    public void Standard_output_has_lines_and_tabs_and_nothing_else_that_is_not_seen()
    {
        using var inner = new StringWriter();
        var writer = new PrintableWriter(inner);

        writer.WriteLine($"a{Steering}\r\n\tb");
        writer.Write('\u001b');
        writer.Write("cd\u0008".ToCharArray(), 1, 2);
        writer.Write("é✓😀".AsSpan());

        inner.ToString().Should().Be($"a{Shown}\n\tb\n\\u001bd\\u0008é✓😀");
    }

    [Fact]
    public void A_console_has_its_own_colours_and_no_other_control_codes()
    {
        using var written = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.Standard, Out = new AnsiConsoleOutput(written) });
        console.Profile.Width = 200;
        console.Pipeline.Attach(new PrintableRendering());

        console.Write(new Table().AddColumn("name").AddRow(new Markup($"[red]{Markup.Escape(Steering)}[/]")));
        console.WriteLine(Steering);

        var text = written.ToString();
        text.Should().Contain(Shown).And.NotContain("\u001b]0").And.NotContain("\u0007").And.NotContain("\u001b[2J").And.NotContain("\u202e");
        text.Should().Contain("\u001b[91m", "red is the table's own");
    }

    [Fact]
    public async Task The_name_of_a_case_and_why_it_is_there_are_no_lines_of_their_own()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["budgets.json"], """
            { "checkpoints": { "m": { "model": "gpt2-medium" } }, "cases": [ { "checkpoint": "m", "name": "real\nok    forged", "command": ["false"], "cap": "64MiB", "expect": "loaded", "why": "one\n2 of 2 as expected" } ] }
            """);
        using var harness = new FakeHarness(_ => new FakeEnd(1));

        (await harness.RunAsync("run", "--budgets", folder["budgets.json"])).Should().Be(1, harness.Error);
        harness.Out.Should().Contain("real\\u000aok    forged").And.Contain("one\\u000a2 of 2").And.NotContain("\nok    forged").And.NotContain("\n2 of 2");
    }

    [Theory]
    [InlineData("\u034f")]
    [InlineData("\u115f")]
    [InlineData("\u2800")]
    [InlineData("\u2d7f")]
    [InlineData("\u3164")]
    [InlineData("\U0001107f")]
    [InlineData("\ufe0f")]
    [InlineData("\uffa0")]
    [InlineData("\u180e")]
    [InlineData("\U000e0041")]
    [InlineData("\U000e0101")]
    [InlineData("\ufdd0")]
    [InlineData("\uffff")]
    [InlineData("\U0010fffe")]
    public void What_is_drawn_as_nothing_is_written_out(string nothing)
    {
        PrintableText.Escape($"a{nothing}b").Should().Be($"a{string.Concat(nothing.Select(c => $"\\u{(int)c:x4}"))}b");
        PrintableText.Escape("ｱ ⣿ 한글 é\u0301").Should().Be("ｱ ⣿ 한글 é\u0301", "these are seen");
    }
}
