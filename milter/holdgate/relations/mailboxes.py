"""Lists of mail domains and mailboxes: public mailbox providers, domain endings, mailboxes of functions."""

_FREE_MAIL = """
126.com 163.com aim.com aol.com arcor.de bigpond.com bluewin.ch bol.com.br btinternet.com centrum.cz comcast.net
cox.net duck.com email.com fastmail.com fastmail.fm foxmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com
gmx.de gmx.net googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it
hushmail.com icloud.com inbox.lv inbox.ru interia.pl kabelbw.de kabelmail.de laposte.net libero.it list.ru live.com
live.de live.fr live.nl mac.com mail.com mail.de mail.ru mailbox.org mailfence.com me.com msn.com naver.com
netcologne.de o2.pl online.de onet.pl orange.fr outlook.com outlook.de outlook.es outlook.fr outlook.it pm.me
posteo.de posteo.net proton.me protonmail.ch protonmail.com qq.com rambler.ru rediffmail.com rocketmail.com
runbox.com sbcglobal.net seznam.cz sfr.fr sina.com skynet.be sky.com startmail.com t-online.de terra.com.br
tiscali.it tuta.com tuta.io tutanota.com uol.com.br verizon.net virgilio.it virginmedia.com vodafone.de wanadoo.fr
web.de wp.pl xs4all.nl yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es
yahoo.fr yahoo.it yandex.com yandex.ru ymail.com zoho.com
"""
_SUFFIXES = """
com de net org eu co.uk at ch fr nl it es pl be info biz io co us uk ca com.au com.br cz dk se no fi ie pt hu ro gr jp
co.jp cn in co.in ru group gmbh law bank online app dev cloud tech agency consulting example test invalid
"""
_FUNCTIONS = """
abuse accounting accounts admin anfrage auftrag bestellung billing booking bookings buchhaltung career careers contact
contracts customer customercare customerservice datenschutz desk einkauf enquiries feedback finance helpdesk help hello
hostmaster hr info inquiries invoice invoices invoicing it job jobs kontakt legal list mail mailbox marketing news
newsletter no-reply noreply office order orders payment payments personal postmaster press presse privacy procurement
purchasing reception rechnung rechnungen reply sales secretary security sekretariat service service-desk servicedesk
shop support team ticket tickets vertrieb webmaster
"""

FREE_MAIL = frozenset(_FREE_MAIL.split())
"""Large providers of private mailboxes, in addition to those of `freemail.table`."""

SUFFIXES = tuple(_SUFFIXES.split())
"""Domain endings that are tried for a name that is known with another one."""

FUNCTIONS = frozenset(_FUNCTIONS.split())
"""Mailboxes of a function: many organisations have one of the same name."""
