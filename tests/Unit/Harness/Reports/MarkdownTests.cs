using Loadline.Harness.Reports;

namespace Loadline.Unit.Harness.Reports;

public class MarkdownTests
{
    [Theory]
    [InlineData("a | b", @"a \| b")]
    [InlineData("<b>&amp;</b>", @"&lt;b\>&amp;amp;&lt;/b\>")]
    [InlineData("[x](y) `z` *s* _u_", @"\[x\](y) \`z\` \*s\* \_u\_")]
    [InlineData("one\ntwo", "one two")]
    [InlineData("https://evil.example www.evil.example a@b.example @org/team", "https<span>://</span>evil.example <span>www</span>.evil.example a<span>@</span>b.example <span>@</span>org/team")]
    [InlineData("GH-12, of high-12 and sigh-2", "<span>GH</span>-12, of high-12 and sigh-2")]
    [InlineData("a\u202egpj.pth\u0001", @"a\\u202egpj.pth\\u0001")]
    [InlineData(":white_check_mark:", @"<span>:</span>white\_check\_mark:")]
    [InlineData(":x: a: b $5", "<span>:</span>x: a: b <span>$</span>5")]
    [InlineData("# org/repo#12 &#1;", "<span>#</span> org/repo<span>#</span>12 &amp;<span>#</span>1;")]
    public void Text_is_never_markup(string text, string escaped) => Markdown.Escape(text).Should().Be(escaped);

    [Fact]
    public void Nor_between_tags() => Markdown.Html("<b>it's @org #1").Should().Be("&lt;b&gt;it&#39;s <span>@</span>org <span>#</span>1");

    [Fact]
    public void A_fence_is_longer_than_any_inside() => Markdown.Fence(["a", "````b"]).Should().Be("`````text\na\n````b\n`````");

    [Fact]
    public void What_does_not_fit_is_left_out_as_a_whole_and_said()
    {
        var blocks = new[] { new string('a', 400), new string('ä', 400), "c" };

        Markdown.Join(blocks, 2000).Should().Be($"{blocks[0]}\n\n{blocks[1]}\n\nc\n\n");
        Markdown.Join(blocks, 1000).Should().Be($"{blocks[0]}\n\n*The rest is left out here for its length; the results file has all of it.*\n");
    }
}
