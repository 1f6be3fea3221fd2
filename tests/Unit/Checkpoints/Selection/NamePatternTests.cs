using Loadline.Checkpoints.Selection;

namespace Loadline.Unit.Checkpoints.Selection;

public sealed class NamePatternTests
{
    [Theory]
    [InlineData("*", "", true)]
    [InlineData("*", "a.b", true)]
    [InlineData("encoder.*", "encoder.0.weight", true)]
    [InlineData("encoder.*", "my.encoder.0", false)]
    [InlineData("*.weight", "a.weight", true)]
    [InlineData("*.weight", "a.weights", false)]
    [InlineData("h.?.w", "h.3.w", true)]
    [InlineData("h.?.w", "h.31.w", false)]
    [InlineData("a*a", "a", false)]
    [InlineData("a*b*b", "aXbYb", true)]
    [InlineData("a*b*b", "ab", false)]
    [InlineData("[a]", "[a]", true)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    public void A_star_is_any_characters_and_a_question_mark_one(string pattern, string name, bool fits) => new NamePattern(pattern).Fits(name).Should().Be(fits);

    [Theory]
    [InlineData("model.*=*", "model.a.b", "a.b")]
    [InlineData("*=model.*", "a.b", "model.a.b")]
    [InlineData("h.*.attn.*=layers.*.attention.*", "h.3.attn.c.weight", "layers.3.attention.c.weight")]
    [InlineData("*.*=*/*", "a.b.c", "a/b.c")]
    [InlineData("gamma=weight", "gamma", "weight")]
    [InlineData("a=b=c", "a=b", "c")]
    [InlineData("model.*=*", "other.a", null)]
    public void A_rule_makes_a_name_of_what_its_stars_stand_for(string rule, string name, string? renamed)
    {
        var read = RenameRule.Parse(rule);

        read.From.Rewrite(name, read.To).Should().Be(renamed);
    }

    [Theory]
    [InlineData("model.*")]
    [InlineData("=x")]
    [InlineData("model.*=x")]
    [InlineData("model=*")]
    [InlineData("a?=b?")]
    public void A_rule_that_is_none_is_refused_with_an_example(string rule) =>
        FluentActions.Invoking(() => RenameRule.Parse(rule)).Should().Throw<FormatException>().WithMessage($"'{rule}' is no rule for names: *model.*=*");

    [Fact]
    public void A_pattern_of_many_stars_takes_no_time_to_speak_of_on_a_long_name()
    {
        var pattern = new NamePattern(string.Concat(Enumerable.Repeat("a*", 1000)) + "b");

        pattern.Fits(new string('a', 60_000)).Should().BeFalse();
    }
}
